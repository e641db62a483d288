// What somebody sent, on its way back to them in a message (SEC-M2).
#pragma once

#include <string>
#include <string_view>

namespace wfe {

/// `text`, or its beginning and how long it is.  Never cuts inside a UTF-8 character.
std::string Excerpt(std::string_view text, size_t most = 200);

}  // namespace wfe
