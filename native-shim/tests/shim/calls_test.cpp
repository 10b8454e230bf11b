#include "backend.h"
#include "client.h"
#include "token_pieces.h"

#include <nlohmann/json.hpp>

namespace
{

using namespace synthetic;

trtllm_status stats(Client const& client, std::string& text)
{
    std::size_t length = 0;
    auto const status = trtllm_executor_iteration_stats(client.handle, text.data(), text.size(), &length, nullptr);
    text.resize(length);
    return status;
}

} // namespace

TEST("the library says what it is")
{
    CHECK_EQ(trtllm_abi_version(), TRTLLM_ABI_VERSION);
    auto const* const text = trtllm_library_info();
    CHECK(text == trtllm_library_info());
    auto const info = nlohmann::json::parse(text);
    CHECK_EQ(info["executor"].get<std::string>(), "synthetic");
    CHECK_EQ(info["executorVersion"].get<std::string>(), "0.0.1-synthetic");
    CHECK(info["shim"].is_string());
    CHECK(info["libraries"]
        == nlohmann::json::array({{{"name", "paper"}, {"version", "1.0"}}, {{"name", "pencil"}, {"version", "2B"}}}));
}

TEST("a NULL pointer is an invalid argument that is named")
{
    Client client;
    client.ready();
    std::uint64_t number = 0;
    int fd = -1;
    std::size_t size = 0;
    std::int32_t token = 1;
    trtllm_error error{};
    auto const handle = client.handle;
    auto const refused = [&](trtllm_status status, char const* name)
    {
        CHECK_EQ(status, TRTLLM_ERR_INVALID_ARGUMENT);
        CHECK_EQ(error.code, TRTLLM_ERR_INVALID_ARGUMENT);
        CHECK_EQ(std::string(error.message), std::string(name) + " is NULL.");
    };
    auto const* const config = R"({"engine": "/"})";
    auto const* const request = R"({"maxTokens": 1})";
    refused(trtllm_executor_create(nullptr, &number, &fd, &error), "config_json");
    refused(trtllm_executor_create(config, nullptr, &fd, &error), "executor");
    refused(trtllm_executor_create(config, &number, nullptr, &error), "wake_fd");
    refused(trtllm_executor_submit(handle, nullptr, &token, 1, &number, &error), "request_json");
    refused(trtllm_executor_submit(handle, request, nullptr, 1, &number, &error), "tokens");
    refused(trtllm_executor_submit(handle, request, &token, 1, nullptr, &error), "request_id");
    refused(trtllm_executor_drain(handle, nullptr, 64, &size, &error), "buffer");
    refused(trtllm_executor_drain(handle, nullptr, 0, nullptr, &error), "written");
    refused(trtllm_executor_iteration_stats(handle, nullptr, 64, &size, &error), "buffer");
    refused(trtllm_executor_iteration_stats(handle, nullptr, 0, nullptr, &error), "length");
    refused(trtllm_executor_tokenize(handle, nullptr, 1, 0, &token, 1, &size, &error), "text");
    refused(trtllm_executor_tokenize(handle, "a", 1, 0, nullptr, 1, &size, &error), "tokens");
    refused(trtllm_executor_tokenize(handle, "a", 1, 0, &token, 1, nullptr, &error), "count");
    refused(trtllm_executor_token_pieces(handle, nullptr, 1, &size, &error), "buffer");
    refused(trtllm_executor_token_pieces(handle, nullptr, 0, nullptr, &error), "size");
    CHECK_EQ(trtllm_executor_create(nullptr, nullptr, nullptr, nullptr), TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(number, 0);
    CHECK_EQ(fd, -1);
}

TEST("a refused configuration creates nothing")
{
    std::uint64_t handle = 0;
    int fd = -1;
    trtllm_error error{};
    CHECK_EQ(trtllm_executor_create("{}", &handle, &fd, &error), TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(handle, 0);
    CHECK_EQ(fd, -1);
}

TEST("statistics come once, and none are lost to a small buffer")
{
    Client client;
    client.ready();
    client.answer(client.submit({1}, R"({"maxTokens": 5})"));
    std::string text(10, 'x');
    CHECK_EQ(stats(client, text), TRTLLM_ERR_BUFFER_TOO_SMALL);
    auto const needed = text.size();
    text.resize(needed - 1);
    CHECK_EQ(stats(client, text), TRTLLM_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(text.size(), needed);
    CHECK_EQ(stats(client, text), TRTLLM_OK);
    CHECK_EQ(text.size(), needed - 1);
    auto const json = nlohmann::json::parse(text);
    CHECK(json.size() >= 5);
    CHECK_EQ(json[0]["iter"].get<int>(), 0);
    CHECK_EQ(json[4]["iter"].get<int>(), 4);
    CHECK_EQ(json[0]["numActiveRequests"].get<int>(), 1);

    text.assign(100, 'x');
    CHECK_EQ(stats(client, text), TRTLLM_OK);
    CHECK_EQ(text, "[]");
}

TEST("statistics are zero-terminated")
{
    Client client;
    client.ready();
    char buffer[3] = {'x', 'x', 'x'};
    std::size_t length = 0;
    CHECK_EQ(trtllm_executor_iteration_stats(client.handle, buffer, 3, &length, nullptr), TRTLLM_OK);
    CHECK_EQ(length, 2);
    CHECK_EQ(std::string(buffer), "[]");
}

TEST("text is tokenized with and without special tokens")
{
    Client client;
    client.ready();
    std::int32_t tokens[8] = {};
    std::size_t count = 0;
    auto const tokenize = [&](std::string const& text, std::uint32_t flags, std::size_t capacity = 8)
    {
        return trtllm_executor_tokenize(
            client.handle, text.data(), text.size(), flags, tokens, capacity, &count, nullptr);
    };
    CHECK_EQ(tokenize("hi", 0), TRTLLM_OK);
    CHECK_EQ(count, 2);
    CHECK_EQ(tokens[0], 'h');
    CHECK_EQ(tokenize("hi", TRTLLM_TOKENIZE_ADD_SPECIAL), TRTLLM_OK);
    CHECK_EQ(count, 3);
    CHECK_EQ(tokens[0], 256);
    CHECK_EQ(tokenize("<s>", TRTLLM_TOKENIZE_PARSE_SPECIAL), TRTLLM_OK);
    CHECK_EQ(count, 1);
    CHECK_EQ(tokenize("hello", 0, 4), TRTLLM_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(count, 5);
    CHECK_EQ(tokenize(std::string("a\0b", 3), 0), TRTLLM_OK);
    CHECK_EQ(count, 3);
    CHECK_EQ(tokenize("hi", 4), TRTLLM_ERR_INVALID_ARGUMENT);
    CHECK_EQ(trtllm_executor_tokenize(client.handle, nullptr, 0, 0, nullptr, 0, &count, nullptr), TRTLLM_OK);
    CHECK_EQ(count, 0);
}

TEST("token pieces are length, kind and bytes of each token")
{
    Client client;
    client.ready();
    std::size_t size = 0;
    CHECK_EQ(trtllm_executor_token_pieces(client.handle, nullptr, 0, &size, nullptr), TRTLLM_ERR_BUFFER_TOO_SMALL);
    CHECK_EQ(size, 256 * 4 + 6 + 3);
    std::vector<std::uint8_t> bytes(size);
    CHECK_EQ(trtllm_executor_token_pieces(client.handle, bytes.data(), size, &size, nullptr), TRTLLM_OK);
    auto const* const last = bytes.data() + 255 * 4;
    std::uint16_t length = 0;
    std::memcpy(&length, last, 2);
    CHECK_EQ(length, 1);
    CHECK_EQ(int(last[2]), TRTLLM_TOKEN_NORMAL);
    CHECK_EQ(int(last[3]), 255);
    std::memcpy(&length, last + 4, 2);
    CHECK_EQ(length, 3);
    CHECK_EQ(int(last[6]), TRTLLM_TOKEN_CONTROL);
    CHECK_EQ(std::string(last + 7, last + 10), "<s>");
}

TEST("a token piece that its length field cannot hold is refused")
{
    CHECK_EQ(trtllm_shim::encodePieces({{std::string(65535, 'x'), false}}).size(), 65538);
    CHECK_THROWS(trtllm_shim::encodePieces({{std::string(65536, 'x'), false}}));
}

TEST("an engine without vocabulary does not tokenize")
{
    Client client(R"({"vocabulary": false})");
    client.ready();
    std::int32_t token = 0;
    std::size_t size = 0;
    CHECK_EQ(trtllm_executor_tokenize(client.handle, "a", 1, 0, &token, 1, &size, nullptr), TRTLLM_ERR_UNSUPPORTED);
    CHECK_EQ(trtllm_executor_token_pieces(client.handle, nullptr, 0, &size, nullptr), TRTLLM_ERR_UNSUPPORTED);
}

TEST("what needs an engine is refused before one is loaded and after it is gone")
{
    Client client(R"({"loadUntilStopped": true, "ignoresStop": true})");
    std::int32_t token = 0;
    std::size_t size = 0;
    char text[8];
    auto const all = [&](trtllm_status status)
    {
        CHECK_EQ(trtllm_executor_tokenize(client.handle, "a", 1, 0, &token, 1, &size, nullptr), status);
        CHECK_EQ(trtllm_executor_token_pieces(client.handle, nullptr, 0, &size, nullptr), status);
        CHECK_EQ(trtllm_executor_iteration_stats(client.handle, text, 8, &size, nullptr), status);
    };
    all(TRTLLM_ERR_NOT_READY);

    Client stopped;
    stopped.ready().shutdown();
    stopped.next({TRTLLM_RECORD_STOPPED});
    std::swap(client.handle, stopped.handle);
    all(TRTLLM_ERR_STOPPED);
    std::swap(client.handle, stopped.handle);
}
