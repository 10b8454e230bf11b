// Writes random histories of the embedded executor's KV cache, for whoever mirrors it: kv_histories COUNT. A line each,
// {"tokensPerBlock", "steps": [{"events", "cached", "prompt"}]}: the events since the step before; of every
// block that is cached then, {"blocks": tokens of each from the sequence's beginning up to it, "level"}; and a prompt.
#include "kv_event_json.h"
#include "kv_history.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace
{

using nlohmann::json;

json cached(reuse_model::ReuseModel const& model)
{
    auto all = json::array();
    for (auto const& [path, node] : model.nodes)
    {
        all.push_back({{"blocks", path.second}, {"level", node.level}});
    }
    return all;
}

} // namespace

int main(int argc, char** argv)
{
    auto const count = argc > 1 ? std::atoi(argv[1]) : 1;
    for (int seed = 1; seed <= count; ++seed)
    {
        kv_history::History history(static_cast<unsigned>(seed));
        auto const& limits = history.limits();
        json line = {{"tokensPerBlock", limits.tokensPerBlock}, {"steps", json::array()}};
        for (int step = 0; step < 100; ++step)
        {
            history.step();
            auto events = json::array();
            for (auto const& event : history.events())
            {
                events.push_back(json::parse(trtllm_shim::toJson(event)));
            }
            line["steps"].push_back(
                {{"events", events}, {"cached", cached(history.model())}, {"prompt", history.prompt()}});
        }
        std::puts(line.dump().c_str());
    }
}
