#include "activities/agent/step/reply_bounds.h"

#include <algorithm>
#include <set>

#include "activities/sandbox/sandbox.h"
#include "activities/sandbox/text.h"

namespace wfe::agent {
namespace {

constexpr size_t kMaxActionTextBytes = 300;
constexpr size_t kMaxQuotedBytes = 300;
constexpr size_t kMaxErrorBytes = 4000;

}  // namespace

std::string CutText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;  // not inside a code point
  return std::string(text.substr(0, end)) + "[... " + std::to_string(text.size() - end) + " more bytes ...]";
}

std::string Quoted(std::string_view text) {
  const std::string clean = sandbox::CleanTerminalText(text.substr(0, 4 * kMaxQuotedBytes));
  std::string line;
  for (const char c : clean) {
    const bool blank = c == '\n' || c == '\t' || c == ' ';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.empty()) return {};
  return "\"" + CutText(line, kMaxQuotedBytes) + "\"";
}

std::string SaidBy(const AgentReply& reply) {
  std::string text = sandbox::CleanTerminalText(reply.text);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return CutText(text, kMaxSaidBytes);
}

std::vector<std::string> ClaimedNotWritten(const AgentReply& reply, const std::string& working_dir) {
  constexpr size_t kMaxNoted = 20;
  std::set<std::string> claimed;
  for (const AgentAction& action : reply.actions) {
    if (action.status != "ok") continue;
    std::string path = action.path;
    for (const std::string& prefix :
         {std::string(sandbox::kSandboxWorkDir) + "/", working_dir + "/", std::string("./")}) {
      if (path.starts_with(prefix)) path.erase(0, prefix.size());
    }
    if (action.tool == "delete_file") claimed.erase(path);
    if (action.tool == "write_file" || action.tool == "replace") claimed.insert(path);
  }
  std::vector<std::string> noted;
  for (const std::string& path : claimed) {
    const bool touched = std::binary_search(reply.files_touched.begin(), reply.files_touched.end(), path);
    if (!touched && noted.size() < kMaxNoted) noted.push_back(CutText(path, kMaxActionTextBytes));
  }
  return noted;
}

Status BoundReply(AgentReply& reply, BlobSink* blobs) {
  if (reply.text.size() > kMaxReplyTextBytes) {
    if (blobs != nullptr) {
      WFE_ASSIGN_OR_RETURN(reply.text_blob_hash, blobs->Put(reply.text));
    }
    reply.text = CutText(reply.text, kMaxReplyTextBytes);
  }
  if (reply.actions.size() > kMaxReportedActions) reply.actions.resize(kMaxReportedActions);
  for (AgentAction& action : reply.actions) {
    action.path = CutText(action.path, kMaxActionTextBytes);
    action.error = CutText(action.error, kMaxActionTextBytes);
  }
  reply.error = CutText(reply.error, kMaxErrorBytes);
  size_t bytes = 0;
  size_t kept = 0;
  for (; kept < reply.files_touched.size(); ++kept) {
    bytes += reply.files_touched[kept].size() + 4;
    if (bytes > kMaxReplyPathBytes) break;
  }
  reply.files_touched_count = static_cast<int64_t>(reply.files_touched.size());
  reply.files_touched.resize(kept);
  return Ok();
}

}  // namespace wfe::agent
