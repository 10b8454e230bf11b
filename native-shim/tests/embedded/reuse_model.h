// The tree of reusable blocks once more, as plainly as it can be written: every question walks over all of it.
#pragma once

#include "kv/kv_cache_manager.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace reuse_model
{

using namespace tensorrt_llm::executor;
using embedded::Limits;
using TimePoint = embedded::KvCacheManager::TimePoint;

/// A salt (-1: none), then the blocks from the root on.
using Path = std::pair<int, std::vector<VecTokens>>;

struct Retention
{
    SizeType32 priority{35};
    std::optional<MillisecondsType> duration;
};

struct Node
{
    int users{0};
    SizeType32 level{0};
    Retention retention;
    std::uint64_t released{0};
    std::optional<TimePoint> expires;
};

struct Held
{
    std::optional<Path> path; // unset: a block of its own
    Retention retention;
};

struct Sequence
{
    int salt;
    std::vector<Held> blocks;
    Retention decode;
};

class ReuseModel
{
public:
    explicit ReuseModel(Limits const& limits)
        : mLimits(limits)
    {
    }

    struct Start
    {
        SizeType32 reusedTokens{0};
        SizeType32 reusedBlocks{0};
        SizeType32 missedBlocks{0};
    };

    Start add(int id, VecTokens const& tokens, int salt, KvCacheRetentionConfig const& config)
    {
        auto const size = static_cast<SizeType32>(tokens.size());
        auto const retentions = config.getPerBlockRetentionPriorityDuration(mLimits.tokensPerBlock, size);
        auto& sequence = mSequences[id];
        sequence = {salt, {}, {config.getDecodeRetentionPriority(), config.getDecodeDurationMs()}};
        Start start;
        Path parent{salt, {}};
        bool follows = mLimits.enableBlockReuse;
        std::optional<Path> copied;
        for (SizeType32 index = 0; index < static_cast<SizeType32>(retentions.size()); ++index)
        {
            auto const wanted = cut(tokens, index, size - 1);
            auto const [found, common] = follows ? match(parent, wanted) : std::pair<std::optional<Path>, SizeType32>{};
            bool const whole = common == mLimits.tokensPerBlock;
            if (found && (whole || !hasChildren(*found) || nodes.at(*found).users > 0
                    || freeBlocks() > static_cast<SizeType32>(retentions.size()) - index))
            {
                start.reusedTokens += common;
                ++start.reusedBlocks;
                copied = use(*found, whole, retentions[index], sequence);
            }
            else
            {
                ++start.missedBlocks;
                takePrimary();
                sequence.blocks.push_back(
                    {std::nullopt, {retentions[index].retentionPriority.value_or(35), retentions[index].durationMs}});
            }
            follows = found && whole;
            parent.second.push_back(wanted);
        }
        if (copied && --nodes.at(*copied).users == 0)
        {
            release(nodes.at(*copied), mNow);
        }
        reused += start.reusedBlocks;
        missed += start.missedBlocks;
        return start;
    }

    void reserve(int id, SizeType32 tokens)
    {
        auto& sequence = mSequences.at(id);
        while (static_cast<SizeType32>(sequence.blocks.size()) * mLimits.tokensPerBlock < tokens)
        {
            takePrimary();
            sequence.blocks.push_back({std::nullopt, sequence.decode});
        }
    }

    void fork(int id, int parent, SizeType32 computed)
    {
        auto child = mSequences.at(parent);
        auto const full = static_cast<std::size_t>(computed / mLimits.tokensPerBlock);
        bool const copies = computed % mLimits.tokensPerBlock > 0;
        auto const retention = copies ? child.blocks[full].retention : Retention{};
        child.blocks.resize(full);
        for (auto const& held : child.blocks)
        {
            ++nodes.at(*held.path).users;
        }
        if (copies)
        {
            takePrimary();
            child.blocks.push_back({std::nullopt, retention});
        }
        mSequences[id] = child;
    }

    void advance(int id, VecTokens const& tokens, SizeType32 computed)
    {
        store(mSequences.at(id), tokens, computed / mLimits.tokensPerBlock * mLimits.tokensPerBlock);
    }

    void remove(int id, VecTokens const& tokens, SizeType32 computed, TimePoint now)
    {
        auto sequence = mSequences.at(id);
        store(sequence, tokens, computed);
        mSequences.erase(id);
        for (auto held = sequence.blocks.rbegin(); held != sequence.blocks.rend(); ++held)
        {
            if (held->path && --nodes.at(*held->path).users == 0)
            {
                release(nodes.at(*held->path), now);
            }
        }
    }

    void refresh(TimePoint now)
    {
        mNow = now;
        while (true)
        {
            Node* first = nullptr;
            for (auto& [path, node] : nodes)
            {
                bool const over = node.users == 0 && node.expires && *node.expires <= now;
                auto const due = [](Node const& each) { return std::pair(*each.expires, each.released); };
                first = over && (first == nullptr || due(node) < due(*first)) ? &node : first;
            }
            if (first == nullptr)
            {
                return;
            }
            first->expires.reset();
            first->retention.priority = 35;
            release(*first, now);
        }
    }

    [[nodiscard]] SizeType32 freeBlocks() const
    {
        auto used = ownBlocks();
        for (auto const& [path, node] : nodes)
        {
            used += node.level == 0 && node.users > 0 ? 1 : 0;
        }
        return mLimits.kvBlocks - used;
    }

    std::map<Path, Node> nodes;
    SizeType32 allocTotal{0};
    SizeType32 allocNew{0};
    SizeType32 reused{0};
    SizeType32 missed{0};

private:
    [[nodiscard]] VecTokens cut(VecTokens const& tokens, SizeType32 index, SizeType32 usable) const
    {
        auto const begin = std::min(index * mLimits.tokensPerBlock, usable);
        return {tokens.begin() + begin, tokens.begin() + std::min(begin + mLimits.tokensPerBlock, usable)};
    }

    [[nodiscard]] static bool isChild(Path const& child, Path const& parent)
    {
        return child.first == parent.first && child.second.size() == parent.second.size() + 1
            && std::equal(parent.second.begin(), parent.second.end(), child.second.begin());
    }

    [[nodiscard]] bool hasChildren(Path const& path, std::optional<SizeType32> level = {}) const
    {
        return std::any_of(nodes.begin(), nodes.end(), [&](auto const& each)
            { return isChild(each.first, path) && (!level || each.second.level == *level); });
    }

    [[nodiscard]] std::pair<std::optional<Path>, SizeType32> match(Path parent, VecTokens const& wanted) const
    {
        std::pair<std::optional<Path>, SizeType32> best{std::nullopt, 0};
        if (wanted.empty())
        {
            return best;
        }
        for (auto const& [path, node] : nodes)
        {
            if (!isChild(path, parent))
            {
                continue;
            }
            auto const& tokens = path.second.back();
            if (tokens == wanted)
            {
                return {path, static_cast<SizeType32>(wanted.size())};
            }
            auto const common = embedded::commonPrefix(tokens, wanted);
            bool const usable = mLimits.enablePartialReuse
                && (mLimits.copyOnPartialReuse || (node.users == 0 && !hasChildren(path)));
            if (usable && common > best.second && common >= mLimits.leastPartialReuseTokens)
            {
                best = {path, common};
            }
        }
        return best;
    }

    /// Returns what is copied, still in use.
    std::optional<Path> use(
        Path const& path, bool whole, RetentionPriorityAndDuration const& retention, Sequence& sequence)
    {
        auto& node = nodes.at(path);
        ++node.users;
        node.expires.reset();
        if (node.level == 1)
        {
            takePrimary(); // while the content is still in the host's pool
            node.level = 0;
        }
        Retention const wanted{retention.retentionPriority.value_or(node.retention.priority), retention.durationMs};
        if (whole)
        {
            node.retention = wanted;
            sequence.blocks.push_back({path, wanted});
            return std::nullopt;
        }
        if (node.users == 1 && !hasChildren(path))
        {
            nodes.erase(path);
            sequence.blocks.push_back({std::nullopt, wanted});
            return std::nullopt;
        }
        auto const kept = node.retention;
        takePrimary();
        sequence.blocks.push_back({std::nullopt, kept});
        return path;
    }

    void store(Sequence& sequence, VecTokens const& tokens, SizeType32 computed)
    {
        Path path{sequence.salt, {}};
        for (SizeType32 index = 0; mLimits.enableBlockReuse && index * mLimits.tokensPerBlock < computed; ++index)
        {
            path.second.push_back(cut(tokens, index, computed));
            auto& held = sequence.blocks[static_cast<std::size_t>(index)];
            if (held.path)
            {
                continue;
            }
            auto& node = nodes[path]; // one that is there gives its block back, or comes back from the host's pool
            node.retention = node.users == 0 && node.released == 0 ? held.retention : node.retention;
            ++node.users;
            node.expires.reset();
            node.level = 0;
            held.path = path;
        }
    }

    void release(Node& node, TimePoint now)
    {
        node.released = ++mClock;
        node.expires.reset();
        if (node.retention.duration && node.retention.priority != 35)
        {
            node.expires = now + *node.retention.duration;
        }
    }

    [[nodiscard]] SizeType32 ownBlocks() const
    {
        SizeType32 count = 0;
        for (auto const& [id, sequence] : mSequences)
        {
            for (auto const& held : sequence.blocks)
            {
                count += held.path ? 0 : 1;
            }
        }
        return count;
    }

    [[nodiscard]] SizeType32 nodesAt(SizeType32 level) const
    {
        return static_cast<SizeType32>(std::count_if(
            nodes.begin(), nodes.end(), [&](auto const& each) { return each.second.level == level; }));
    }

    /// The one to leave: nobody's, nothing on its level behind it, lowest priority, longest ago.
    [[nodiscard]] std::optional<Path> victim(SizeType32 level) const
    {
        std::optional<Path> best;
        for (auto const& [path, node] : nodes)
        {
            if (node.level != level || node.users > 0 || hasChildren(path, level))
            {
                continue;
            }
            auto const rank = [](Node const& each) { return std::pair(each.retention.priority, each.released); };
            best = !best || rank(node) < rank(nodes.at(*best)) ? path : best;
        }
        return best;
    }

    void erase(Path const& path)
    {
        for (auto node = nodes.begin(); node != nodes.end();)
        {
            bool const below = node->first.first == path.first && node->first.second.size() >= path.second.size()
                && std::equal(path.second.begin(), path.second.end(), node->first.second.begin());
            node = below ? nodes.erase(node) : std::next(node);
        }
    }

    void takePrimary()
    {
        ++allocTotal;
        if (ownBlocks() + nodesAt(0) < mLimits.kvBlocks)
        {
            ++allocNew;
            return;
        }
        auto const path = victim(0).value();
        auto& node = nodes.at(path);
        auto const hostBusy = std::count_if(
            nodes.begin(), nodes.end(), [](auto const& each) { return each.second.level == 1 && each.second.users > 0; });
        if (!mLimits.onboardBlocks || hostBusy >= mLimits.hostKvBlocks
            || node.retention.priority < mLimits.secondaryOffloadMinPriority)
        {
            erase(path);
            return;
        }
        if (nodesAt(1) == mLimits.hostKvBlocks)
        {
            erase(victim(1).value());
        }
        node.level = 1;
        release(node, mNow);
    }

    Limits const mLimits;
    std::map<int, Sequence> mSequences;
    std::uint64_t mClock{0};
    TimePoint mNow{};
};

} // namespace reuse_model
