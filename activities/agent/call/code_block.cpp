#include "activities/agent/call/code_block.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace wfe::agent {
namespace {

struct Fence {
  char character = '`';
  size_t length = 0;
  size_t indent = 0;
  std::string_view info;
};

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::string_view WithoutEnd(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

/// A line that opens a block, or that could close one.  Deeper indentation than Markdown's three blanks is taken too:
/// models put fences into lists.
std::optional<Fence> FenceOf(std::string_view line) {
  line = WithoutEnd(line);
  Fence fence;
  fence.indent = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(fence.indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return std::nullopt;
  fence.character = line[0];
  fence.length = std::min(line.find_first_not_of(fence.character), line.size());
  if (fence.length < 3) return std::nullopt;
  fence.info = line.substr(fence.length);
  // `code` in one line is no fence.
  if (fence.character == '`' && fence.info.find('`') != std::string_view::npos) return std::nullopt;
  return fence;
}

std::string LanguageOf(std::string_view info) {
  const size_t from = info.find_first_not_of(" \t{.");
  if (from == std::string_view::npos) return {};
  info = info.substr(from);
  std::string word(info.substr(0, info.find_first_of(" \t,;:{}")));
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

std::string_view Dedent(std::string_view line, size_t indent) {
  const size_t blanks = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(std::min(indent, blanks));
  return line;
}

ExtractedCode Fault(CodeFault fault, std::string message) {
  return {.fault = fault, .message = std::move(message), .block = {}};
}

}  // namespace

std::vector<CodeBlock> FindCodeBlocks(std::string_view answer) {
  std::vector<CodeBlock> blocks;
  std::optional<Fence> open;
  while (!answer.empty()) {
    const size_t end = answer.find('\n');
    const std::string_view line = answer.substr(0, end == std::string_view::npos ? end : end + 1);
    answer.remove_prefix(line.size());
    const std::optional<Fence> fence = FenceOf(line);
    if (!open) {
      if (!fence) continue;
      open = fence;
      blocks.push_back({.language = LanguageOf(fence->info), .code = {}, .closed = false});
    } else if (fence && fence->character == open->character && fence->length >= open->length && IsBlank(fence->info)) {
      blocks.back().closed = true;
      open.reset();
    } else {
      blocks.back().code += Dedent(line, open->indent);
    }
  }
  return blocks;
}

ExtractedCode ExtractCode(std::string_view answer, std::string_view finish_reason,
                          const std::vector<std::string>& languages) {
  const bool limit = finish_reason == "MAX_TOKENS";
  if (IsBlank(answer)) {
    if (limit) return Fault(CodeFault::kCut, "the answer ended at the model's limit of tokens before it said anything");
    return Fault(CodeFault::kEmpty, "the answer is empty (" + std::string(finish_reason) + ")");
  }
  const std::vector<CodeBlock> blocks = FindCodeBlocks(answer);
  std::vector<const CodeBlock*> meant;
  for (const CodeBlock& block : blocks) {
    const bool fits = languages.empty() ||
                      std::find(languages.begin(), languages.end(), block.language) != languages.end() ||
                      (blocks.size() == 1 && block.language.empty());
    if (fits && !(IsBlank(block.code) && block.closed)) meant.push_back(&block);
  }
  if (limit) {
    ExtractedCode cut = Fault(CodeFault::kCut, "the answer was cut at the model's limit of tokens");
    if (!meant.empty()) cut.block = *meant.back();
    return cut;
  }
  if (meant.empty()) {
    if (blocks.empty()) return Fault(CodeFault::kProse, "the answer has no block of code, only words");
    if (languages.empty()) return Fault(CodeFault::kEmpty, "the block of code in the answer is empty");
    return Fault(CodeFault::kProse, "the answer has no block of code in " + languages.front());
  }
  if (meant.size() > 1) {
    return Fault(CodeFault::kSeveral,
                 "the answer has " + std::to_string(meant.size()) + " blocks of code where one was asked for");
  }
  if (!meant.front()->closed) {
    ExtractedCode cut = Fault(CodeFault::kCut, "the answer ends inside its block of code");
    cut.block = *meant.front();
    return cut;
  }
  return {.fault = CodeFault::kNone, .message = {}, .block = *meant.front()};
}

}  // namespace wfe::agent
