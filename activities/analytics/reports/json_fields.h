// Reads typed fields of a JSON object and remembers the first one that is wrong, by its path.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/reports/report_model.h"

namespace wfe::analytics::reports {

/// One object of the report.  Children share the first problem of their root; after it, reading goes on with defaults,
/// so callers look at the problem once, at the end.
class Fields {
 public:
  Fields(const nlohmann::json& object, std::string path, std::string* problem);

  // The field must be there.
  std::string Text(std::string_view name) const;
  double Number(std::string_view name) const;

  // The field may be absent or null.
  std::string TextOr(std::string_view name) const;
  OptionalText MaybeText(std::string_view name) const;
  OptionalNumber MaybeNumber(std::string_view name) const;
  std::optional<bool> MaybeBool(std::string_view name) const;
  std::optional<Interval> MaybeInterval(std::string_view name) const;
  std::vector<std::string> Texts(std::string_view name) const;
  /// Text as it is; numbers, booleans, lists and objects as compact JSON.  For fields whose type is free.
  std::string AnyText(std::string_view name) const;
  /// All fields of the object `name` as texts; objects inside it become "outer.inner".
  std::vector<NamedText> NamedTexts(std::string_view name) const;
  /// All numbers of the object `name`.
  std::vector<std::pair<std::string, double>> NamedNumbers(std::string_view name) const;
  Cell CellAt(std::string_view name) const;

  /// Calls `fn(Fields)` with the object `name`; false if it is absent.
  template <class Fn>
  bool Object(std::string_view name, Fn fn) const {
    const nlohmann::json* value = Find(name);
    if (value == nullptr) return false;
    fn(Fields(*value, Path(name), problem_));
    return true;
  }

  /// Calls `fn(Fields)` for each object of the list `name`.
  template <class Fn>
  void Each(std::string_view name, Fn fn) const {
    const nlohmann::json* list = FindList(name);
    if (list == nullptr) return;
    size_t index = 0;
    for (const nlohmann::json& item : *list) {
      fn(Fields(item, Path(name) + "[" + std::to_string(index++) + "]", problem_));
    }
  }

  /// Notes that `name` is wrong, unless something was wrong before.
  void Wrong(std::string_view name, std::string_view must) const;
  /// Notes it if the field is absent.
  void Require(std::string_view name) const;
  bool IsText(std::string_view name) const;

 private:
  const nlohmann::json* Find(std::string_view name) const;
  const nlohmann::json* FindList(std::string_view name) const;
  std::string Path(std::string_view name) const;

  const nlohmann::json* object_;  // nullptr: not an object, already noted
  std::string path_;
  std::string* problem_;
};

}  // namespace wfe::analytics::reports
