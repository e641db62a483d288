// How events lie in a serialized temporal.api.history.v1.History, which is how they are stored and sent: each as field
// 1 with its length, one behind the other.  So batches concatenate, and an event is found without decoding the others.
#pragma once

#include <optional>
#include <string_view>

namespace wfe::history {

/// History.events.
inline constexpr int kEventField = 1;

/// Takes the first event off the front of `history`: its bytes, without the field's tag and length.  nullopt, and
/// `history` as it was, when no whole event stands there.
std::optional<std::string_view> TakeEvent(std::string_view& history);

/// What a serialized message has as its field `number`, a sub-message or bytes; the last one, when it stands there more
/// than once.  Without data() when there is none; nullopt when the bytes are no message.
std::optional<std::string_view> FindField(std::string_view message, int number);

}  // namespace wfe::history
