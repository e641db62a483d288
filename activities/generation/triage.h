// What kind of task it is, from its words alone (SG-1, step 1).
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace wfe::generation {

struct Classified {
  std::string task_type;
  std::string strategy;  ///< A tier of models.
  std::string reason;
};

/// INVALID_ARGUMENT, with one sentence, for a task that is empty, too long, or asks for another language than
/// `language`; and for a language that nodes are not made in.
Result<Classified> Classify(std::string_view task, std::string_view language);

/// "count-the-words-of-a-text": the first words of the task, at most 48 characters of [a-z0-9-]; "node" for a task
/// without any.
std::string NodeIdFrom(std::string_view task);

}  // namespace wfe::generation
