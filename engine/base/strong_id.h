// Ids are types, not strings: mixing them up does not compile.
#pragma once

#include <compare>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace wfe {

template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;
  friend std::ostream& operator<<(std::ostream& out, const StrongId& id) { return out << id.value_; }

 private:
  std::string value_;
};

}  // namespace wfe

template <class Tag>
struct std::hash<wfe::StrongId<Tag>> {
  size_t operator()(const wfe::StrongId<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value()); }
};
