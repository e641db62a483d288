// The expressions by which assertions and suppressions are known, one set for each language.
#pragma once

#include <functional>
#include <string_view>

#include "activities/build/integrity/source_text.h"

namespace re2 {
class RE2;
}

namespace wfe::build {

/// Calls `found(offset, match, group 1)` for every match of the expression, whose first group is optional.
void Each(const re2::RE2& expression, std::string_view text,
          const std::function<void(size_t, std::string_view, std::string_view)>& found);
int64_t Count(const re2::RE2& expression, std::string_view text);
bool Finds(const re2::RE2& expression, std::string_view text);

/// Something that fails the test when it does not hold.
const re2::RE2& Assertions(Language language);

/// Assertions in `raw` that hold whatever the code under test does: of a literal, or of a value with itself.
int64_t CountVacuous(Language language, std::string_view raw);

/// A call that may hold assertions of the project's own ("checkRoundTrip(...)").
bool MayAssertElsewhere(std::string_view code);

}  // namespace wfe::build
