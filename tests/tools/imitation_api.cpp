// A loopback imitation of the Gemini API for tests of the built program: refuses the first call, breaks off the second,
// leaves the fourth open until its client has gone, and lets a build of two steps come to its end with the others.
//   imitation_api DIR    writes DIR/url once, and DIR/calls and DIR/open as they are; ends when it is killed
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/activities/agent/imitation_server.h"

namespace {

using nlohmann::json;
using Reply = wfe::agent::ImitationServer::Reply;

std::string Chunk(const json& part, bool complete) {
  json candidate = {{"content", {{"role", "model"}, {"parts", json::array({part})}}}};
  if (complete) candidate["finishReason"] = "STOP";
  const json chunk = {{"candidates", json::array({candidate})},
                      {"usageMetadata", {{"promptTokenCount", 1000}, {"candidatesTokenCount", 100}}}};
  return "data: " + chunk.dump() + "\r\n\r\n";
}

Reply Writes(const std::string& text) {
  return {.pieces = {
              Chunk({{"functionCall",
                      {{"name", "write_file"}, {"args", {{"file_path", "src/index.ts"}, {"content", text + "\n"}}}}}},
                    true)}};
}
Reply Says(const std::string& text) { return {.pieces = {Chunk({{"text", text}}, true)}}; }

/// Whole or not at all, for a reader that polls.
void Put(const std::string& path, const std::string& text) {
  std::ofstream(path + ".tmp") << text << "\n";
  std::filesystem::rename(path + ".tmp", path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string directory = argv[1];
  const std::string half = Chunk({{"text", "I beg"}}, false);
  const std::string busy = R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow down","details":[)"
                           R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.2s"}]}})";
  const wfe::agent::ImitationServer server(
      {{.status = "429 Too Many Requests", .content_type = "application/json", .pieces = {busy}},
       {.pieces = {half}, .cut = true},
       Writes("export const given = 0;"),
       {.pieces = {half}, .hang = true},
       Says("Laid out."),
       Writes("export const careful = 1;"),
       Says("Done.")});
  Put(directory + "/url", server.url());
  while (true) {
    Put(directory + "/calls", std::to_string(server.requests().size()));
    Put(directory + "/open", server.hanging() ? "yes" : "no");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}
