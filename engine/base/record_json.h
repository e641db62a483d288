// JSON of records (record.h) in both directions, for sources that read or write one.
//
// Reading throws nlohmann::json::exception with one sentence that begins with the path of the wrong member:
// "checks[2].duration_ms must be a whole number", "resume.stpe is not known".
#pragma once

#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/parse_json.h"
#include "engine/base/record.h"

namespace wfe {

template <Record T>
void WriteRecord(nlohmann::json& json, const T& value);
/// What `json` says nothing about keeps its value.  null is as good as saying nothing, but for members that are JSON.
template <Record T>
void ReadRecord(const nlohmann::json& json, T& value);

/// What a CheckRecord overload throws when a value is none: the sentence names the member itself.
[[noreturn]] inline void RefuseRecord(const std::string& sentence) {
  throw nlohmann::json::other_error::create(503, sentence, nullptr);
}

inline void RequireOfRecord(bool condition, const std::string& sentence) {
  if (!condition) RefuseRecord(sentence);
}

namespace record_internal {

/// Errors with this id begin with the path of a member.
inline constexpr int kOfMember = 501;

[[noreturn]] inline void Refuse(const std::string& path, const std::string& what) {
  throw nlohmann::json::other_error::create(kOfMember, path + what, nullptr);
}

/// "name: what was wrong", or the path continued where the error lies deeper.
[[noreturn]] inline void RefuseAt(const std::string& name, const nlohmann::json::exception& error) {
  const std::string said = JsonErrorText(error);
  if (error.id != kOfMember) Refuse(name, (said.starts_with("must ") ? " " : ": ") + said);
  Refuse(name, (said.starts_with('[') ? "" : ".") + said);
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// A whole number that fits; nlohmann would cut it, and take true for 1.
template <WholeNumber T>
void ReadMember(const nlohmann::json& json, T& value) {
  const auto refuse = [] { throw nlohmann::json::type_error::create(302, "must be a whole number", nullptr); };
  if (json.is_number_unsigned()) {
    const auto number = json.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<T>::max())) refuse();
    value = static_cast<T>(number);
  } else if (json.is_number_integer()) {
    const auto number = json.get<int64_t>();
    if (!std::in_range<T>(number)) refuse();
    value = static_cast<T>(number);
  } else if (json.is_number_float()) {  // as other languages write 3
    const auto number = json.get<double>();
    if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0)) refuse();
    const auto whole = static_cast<int64_t>(number);
    if (static_cast<double>(whole) != number || !std::in_range<T>(whole)) refuse();
    value = static_cast<T>(whole);
  } else {
    refuse();
  }
}
template <class T>
void ReadMember(const nlohmann::json& json, T& value) {
  json.get_to(value);
}
template <class T>
void ReadMember(const nlohmann::json& json, std::vector<T>& value) {
  if (!json.is_array()) throw nlohmann::json::type_error::create(302, "must be a list", nullptr);
  std::vector<T> read;
  read.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    try {
      T element{};
      ReadMember(json[i], element);
      read.push_back(std::move(element));
    } catch (const nlohmann::json::exception& e) {
      RefuseAt("[" + std::to_string(i) + "]", e);
    }
  }
  value = std::move(read);
}
/// Counts by a number: an object whose keys are the numbers.
template <WholeNumber Key, class T>
void ReadMember(const nlohmann::json& json, std::map<Key, T>& value) {
  if (!json.is_object()) throw nlohmann::json::type_error::create(302, "must be an object", nullptr);
  std::map<Key, T> read;
  for (const auto& [key, element] : json.items()) {
    try {
      Key number{};
      ReadMember(ParseJson(key), number);
      ReadMember(element, read[number]);
    } catch (const nlohmann::json::exception& e) {
      RefuseAt("[" + key + "]", e);
    }
  }
  value = std::move(read);
}

template <class T>
void WriteMember(nlohmann::json& json, const T& value) {
  json = value;
}
template <WholeNumber Key, class T>
void WriteMember(nlohmann::json& json, const std::map<Key, T>& value) {
  json = nlohmann::json::object();
  for (const auto& [key, element] : value) json[std::to_string(key)] = element;
}

/// The value of one member that is there.
template <class T>
void ReadPresent(const nlohmann::json& json, T& value) {
  if constexpr (IsOptional<T>::value) {
    typename T::value_type held{};
    ReadMember(json, held);
    value = std::move(held);
  } else {
    ReadMember(json, value);
  }
}

template <Record T>
constexpr bool Requires(std::string_view name) {
  constexpr RecordRules kRules = RulesOfRecord<T>();
  if (HasWord(kRules.required, name)) return true;
  return kRules.whole && !HasWord(kRules.may_lack, name) && !HasWord(kRules.seldom, name);
}

template <class T>
concept KeepsUnknown = requires(T& value) { value.extra.is_object(); };

template <Record T>
std::string Named(const char* name) {
  constexpr std::string_view kSubject = RulesOfRecord<T>().subject;
  return kSubject.empty() ? std::string(name) : std::string(kSubject) + "." + name;
}

template <Record T, class Descriptor>
void ReadOne(const nlohmann::json& json, T& value) {
  auto& member = value.*Descriptor::pointer;
  using Member = std::remove_reference_t<decltype(member)>;
  constexpr bool kOptional = IsOptional<Member>::value;
  const auto found = json.find(Descriptor::name);
  if (found == json.end() || (found->is_null() && !std::same_as<Member, nlohmann::json>)) {
    if constexpr (kOptional) {
      if (found != json.end()) member.reset();
    } else if constexpr (Requires<T>(Descriptor::name)) {
      Refuse(Named<T>(Descriptor::name), found == json.end() ? " is missing" : " must not be null");
    }
    return;
  }
  try {
    ReadPresent(*found, member);
  } catch (const nlohmann::json::exception& e) {
    RefuseAt(Named<T>(Descriptor::name), e);
  }
}

template <Record T>
bool Knows(std::string_view key) {
  bool known = false;
  boost::mp11::mp_for_each<RecordMembers<T>>(
      [&]<class Descriptor>(Descriptor) { known = known || key == Descriptor::name; });
  return known;
}

}  // namespace record_internal

template <Record T>
void WriteRecord(nlohmann::json& json, const T& value) {
  static_assert(RulesAreOfMembers<T>(), "a rule names something that is no member");
  constexpr RecordRules kRules = RulesOfRecord<T>();
  json = nlohmann::json::object();
  // What is known wins over what an unknown key says.
  if constexpr (record_internal::KeepsUnknown<T>) {
    if (value.extra.is_object()) json = value.extra;
  }
  boost::mp11::mp_for_each<RecordMembers<T>>([&]<class Descriptor>(Descriptor) {
    const auto& member = value.*Descriptor::pointer;
    if constexpr (record_internal::IsOptional<std::remove_cvref_t<decltype(member)>>::value) {
      if (member.has_value()) record_internal::WriteMember(json[Descriptor::name], *member);
    } else if constexpr (HasWord(kRules.seldom, Descriptor::name)) {
      static const T kNew{};
      if (member != kNew.*Descriptor::pointer) record_internal::WriteMember(json[Descriptor::name], member);
    } else {
      record_internal::WriteMember(json[Descriptor::name], member);
    }
  });
}

template <Record T>
void ReadRecord(const nlohmann::json& json, T& value) {
  static_assert(RulesAreOfMembers<T>(), "a rule names something that is no member");
  constexpr RecordRules kRules = RulesOfRecord<T>();
  if (!json.is_object()) {
    const std::string subject(kRules.subject);
    RefuseRecord((subject.empty() ? "" : "the " + subject + " ") + "must be a JSON object");
  }
  boost::mp11::mp_for_each<RecordMembers<T>>(
      [&]<class Descriptor>(Descriptor) { record_internal::ReadOne<T, Descriptor>(json, value); });
  if constexpr (record_internal::KeepsUnknown<T>) {
    value.extra = nlohmann::json::object();
    for (const auto& [key, element] : json.items()) {
      if (!record_internal::Knows<T>(key)) value.extra[key] = element;
    }
  } else if constexpr (kRules.refuses_unknown) {
    for (const auto& [key, element] : json.items()) {
      if (!record_internal::Knows<T>(key)) {
        record_internal::Refuse(record_internal::Named<T>(key.c_str()), " is not known");
      }
    }
  }
  // An overload beside the record that throws for what no single member shows.
  if constexpr (requires { CheckRecord(value); }) CheckRecord(value);
}

}  // namespace wfe

/// A record goes where any value that has JSON goes.
template <class T>
  requires wfe::Record<T>
struct nlohmann::adl_serializer<T, void> {
  static void to_json(json& json, const T& value) { wfe::WriteRecord(json, value); }
  static void from_json(const json& json, T& value) { wfe::ReadRecord(json, value); }
};
