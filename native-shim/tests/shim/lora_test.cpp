#include "adapter_files.h"
#include "check.h"
#include "client.h"

namespace
{

Record load(Client& client, std::uint64_t taskId, std::filesystem::path const& path)
{
    CHECK_EQ(trtllm_executor_load_lora(client.handle, taskId, path.c_str(), nullptr), TRTLLM_OK);
    auto record = client.next({TRTLLM_RECORD_LORA});
    CHECK_EQ(record.header.request_id, taskId);
    return record;
}

std::string request(std::uint64_t taskId)
{
    return R"({"maxTokens": 3, "loraTaskId": )" + std::to_string(taskId) + "}";
}

} // namespace

TEST("a request takes the adapter that it names along, every time")
{
    AdapterFolder folder;
    Client client;
    client.ready();
    CHECK_EQ(load(client, 41, folder.write().path).status, TRTLLM_OK);
    for (int i = 0; i < 2; ++i)
    {
        CHECK(client.answer(client.submit({synthetic::kLORA}, request(41))).tokens
            == (std::vector<std::int32_t>{41, 2, 10}));
    }
    CHECK(client.answer(client.submit({synthetic::kLORA})).tokens == std::vector<std::int32_t>{-1});
}

TEST("a request with an adapter that is not loaded, or no more, is refused")
{
    AdapterFolder folder;
    Client client;
    client.ready();
    CHECK_EQ(client.refusal({synthetic::kLORA}, request(1)).code, TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(load(client, 1, folder.write().path).status, TRTLLM_OK);
    CHECK_EQ(trtllm_executor_unload_lora(client.handle, 1, nullptr), TRTLLM_OK);
    CHECK_EQ(trtllm_executor_unload_lora(client.handle, 1, nullptr), TRTLLM_OK);
    CHECK_EQ(client.refusal({synthetic::kLORA}, request(1)).code, TRTLLM_ERR_INVALID_ARGUMENT);
}

TEST("an adapter that cannot be read leaves the executor as it was")
{
    AdapterFolder folder;
    Client client;
    client.ready();
    auto const record = load(client, 1, folder.path);
    CHECK_EQ(record.status, TRTLLM_ERR_ENGINE_NOT_FOUND);
    CHECK(record.text.find("adapter_config.json") != std::string::npos);
    CHECK(client.answer(client.submit({1})).tokens == (std::vector<std::int32_t>{2, 3, 4}));
}

TEST("a stop waits for adapters that are being read, and refuses more")
{
    AdapterFolder folder;
    Client client;
    client.ready();
    for (std::uint64_t taskId = 1; taskId <= 20; ++taskId)
    {
        CHECK_EQ(trtllm_executor_load_lora(client.handle, taskId, folder.write().path.c_str(), nullptr), TRTLLM_OK);
    }
    client.shutdown();
    CHECK_EQ(trtllm_executor_load_lora(client.handle, 21, folder.path.c_str(), nullptr), TRTLLM_ERR_STOPPED);
    for (int read = 0; read < 20; ++read)
    {
        CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_LORA);
    }
    CHECK_EQ(client.next().header.kind, TRTLLM_RECORD_STOPPED);
    CHECK(client.silent());
}
