// A record is a struct whose members are named once more below it, and nowhere else:
//
//   struct TraceUnit { int source = 0; std::string location; std::string run_id; };
//   WFE_RECORD(TraceUnit, source, location, run_id);
//   constexpr RecordRules RulesOf(const TraceUnit*) { return {.whole = true, .seldom = "run_id"}; }
//
// From that one declaration come its JSON in both directions (record_json.h) and the JSON schema of that
// (record_schema.h).  The key of a member is its name.  A std::optional is left out while it is empty.
// A member `nlohmann::json extra` that is not listed keeps the keys that this version does not know.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <boost/describe/members.hpp>
#include <string_view>
#include <type_traits>

/// In the namespace of the struct, after it.  At most 52 members.
#define WFE_RECORD(Type, ...) BOOST_DESCRIBE_STRUCT(Type, (), (__VA_ARGS__))

namespace wfe {

/// What is particular about the JSON of a record; told by an overload of `RulesOf` beside the record.  Members are named
/// as one text, divided by blanks; a name that is none of a member does not compile.
struct RecordRules {
  bool refuses_unknown = false;    ///< A key that is none of a member is a mistake: for what people write.
  std::string_view subject = {};   ///< "input": what the names in an error are of.
  std::string_view required = {};  ///< Must be there when the record is read; others keep their defaults.
  bool whole = false;              ///< Every member is required, but for the optional, the `seldom` and the `may_lack`.
  std::string_view may_lack = {};  ///< Of a whole record: not required, since earlier versions did not write them.
  std::string_view seldom = {};    ///< Not written while they are as in a new record, which keeps histories small.
};

/// A struct that WFE_RECORD describes.
template <class T>
concept Record = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

/// Its members, as descriptors with a name and a pointer.
template <Record T>
using RecordMembers = boost::describe::describe_members<T, boost::describe::mod_public>;

/// A word stands in a text of words divided by blanks.
constexpr bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    words = end == std::string_view::npos ? std::string_view() : words.substr(end + 1);
  }
  return false;
}

template <Record T>
constexpr RecordRules RulesOfRecord() {
  if constexpr (requires { RulesOf(static_cast<const T*>(nullptr)); }) {
    return RulesOf(static_cast<const T*>(nullptr));
  } else {
    return {};
  }
}

namespace record_internal {

template <class Descriptor>
struct NameOf {
  static constexpr std::string_view value = Descriptor::name;
};

template <class... Descriptors>
constexpr bool EachWordIsAMember(std::string_view words, std::type_identity<void (*)(Descriptors...)>) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    const std::string_view word = words.substr(0, end);
    if (!((NameOf<Descriptors>::value == word) || ...)) return false;
    words = end == std::string_view::npos ? std::string_view() : words.substr(end + 1);
  }
  return true;
}

template <class List>
struct AsFunction;
template <template <class...> class List, class... Descriptors>
struct AsFunction<List<Descriptors...>> {
  using type = std::type_identity<void (*)(Descriptors...)>;
};

}  // namespace record_internal

/// The rules of a record name members of it only.
template <Record T>
constexpr bool RulesAreOfMembers() {
  using Members = typename record_internal::AsFunction<RecordMembers<T>>::type;
  constexpr RecordRules kRules = RulesOfRecord<T>();
  return record_internal::EachWordIsAMember(kRules.required, Members()) &&
         record_internal::EachWordIsAMember(kRules.may_lack, Members()) &&
         record_internal::EachWordIsAMember(kRules.seldom, Members());
}

}  // namespace wfe
