// Secrets in files of any kind, by their shape and by how random they are.  None of them ever leaves this module whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/sandbox/text.h"

namespace wfe::trading {

struct FoundSecret {
  int64_t line = 0;   ///< From 1.
  std::string kind;   ///< "an AWS access key", "a password".
  std::string value;  ///< The secret itself: to be masked, never to be shown.
  double entropy = 0; ///< Bits a character.
};

/// Known shapes anywhere; elsewhere what is given to a name such as api_key or password, unless it is a placeholder, a
/// reference to the environment, or too regular to be one.
std::vector<FoundSecret> FindSecrets(std::string_view text);

/// Shannon's, over the characters of the text.
double BitsACharacter(std::string_view text);

/// "q7… (32 characters)": enough to find it again.
std::string SecretHint(const FoundSecret& secret);

}  // namespace wfe::trading
