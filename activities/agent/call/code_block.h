// The one block of code in a model's answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wfe::agent {

/// A fenced block of Markdown (``` or ~~~).
struct CodeBlock {
  std::string language;  ///< The first word after the fence, in lower case; may be empty.
  std::string code;      ///< The lines between the fences, each with its end, without the fence's own indentation.
  bool closed = true;    ///< False: the answer ends inside it.
};

/// All fenced blocks, in order.  A fence is closed by one of the same character that is at least as long, so a longer
/// fence may hold shorter ones.
std::vector<CodeBlock> FindCodeBlocks(std::string_view answer);

enum class CodeFault {
  kNone,
  kEmpty,    ///< The answer, or the block, holds nothing.
  kProse,    ///< There is no block.
  kSeveral,  ///< More than one block could be meant.
  kCut,      ///< The answer ends in the middle: the model's limit of tokens, or its own end inside a block.
};

struct ExtractedCode {
  CodeFault fault = CodeFault::kNone;
  std::string message;  ///< For a fault: one sentence for people and for the model.
  CodeBlock block;      ///< For kNone; for kCut what there is of it.
};

/// The block that an answer is about.  `finish_reason` as in CallReply.  `languages`: names of the wanted language
/// ("python", "py"); blocks of other languages are left aside, unless the answer has exactly one block at all and that
/// one names no language.  Empty: any.
ExtractedCode ExtractCode(std::string_view answer, std::string_view finish_reason,
                          const std::vector<std::string>& languages = {});

}  // namespace wfe::agent
