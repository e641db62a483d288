// JSON of records (record.h) in both directions, for sources that read or write one.
//
// Reading throws nlohmann::json::exception with one sentence that begins with the path of the wrong member:
// "checks[2].duration_ms must be a whole number", "resume.stpe is not known".
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/parse_json.h"  // JsonErrorText, for what reading throws
#include "engine/base/record.h"
#include "engine/base/record_form.h"

namespace wfe {

template <Record T>
void WriteRecord(nlohmann::json& json, const T& value);
/// What `json` says nothing about keeps its value.  null is as good as saying nothing, but for members that are JSON.
template <Record T>
void ReadRecord(const nlohmann::json& json, T& value);

namespace record_internal {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// How a type is written and read: a whole number, a list, a map or an optional as below, all else as nlohmann has it.
template <class T>
struct FormOf {
  static void Write(nlohmann::json& json, const void* value) { json = *static_cast<const T*>(value); }
  static void Read(const nlohmann::json& json, void* value) { json.get_to(*static_cast<T*>(value)); }
  static constexpr ValueForm kForm{.write = Write, .read = Read, .takes_null = std::same_as<T, nlohmann::json>};
};

template <Record T>
struct FormOf<T> {
  static void Write(nlohmann::json& json, const void* value) { WriteRecord(json, *static_cast<const T*>(value)); }
  static void Read(const nlohmann::json& json, void* value) { ReadRecord(json, *static_cast<T*>(value)); }
  static constexpr ValueForm kForm{.write = Write, .read = Read};
};

template <WholeNumber T>
struct FormOf<T> {
  static void Write(nlohmann::json& json, const void* value) { json = *static_cast<const T*>(value); }
  static void Read(const nlohmann::json& json, void* value) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::unsigned_integral<T>) {
      *static_cast<T*>(value) = static_cast<T>(ReadUnsigned(json, Limits::max()));
    } else {
      *static_cast<T*>(value) = static_cast<T>(ReadSigned(json, Limits::min(), Limits::max()));
    }
  }
  static constexpr ValueForm kForm{.write = Write, .read = Read};
};

template <class T>
  requires(!std::same_as<T, bool>)
struct FormOf<std::vector<T>> {
  static void Write(nlohmann::json& json, const void* value) {
    const auto& list = *static_cast<const std::vector<T>*>(value);
    WriteList(json, FormOf<T>::kForm, list.data(), list.size(), sizeof(T));
  }
  static void Read(const nlohmann::json& json, void* value) {
    std::vector<T> read(SizeOfList(json));
    ReadList(json, FormOf<T>::kForm, read.data(), sizeof(T));
    *static_cast<std::vector<T>*>(value) = std::move(read);
  }
  static constexpr ValueForm kForm{.write = Write, .read = Read};
};

/// An object; counts by a number are one whose keys are the numbers.
template <class Key, class T>
  requires(WholeNumber<Key> || std::same_as<Key, std::string>)
struct FormOf<std::map<Key, T>> {
  static void Write(nlohmann::json& json, const void* value) {
    json = nlohmann::json::object();
    for (const auto& [key, element] : *static_cast<const std::map<Key, T>*>(value)) {
      if constexpr (WholeNumber<Key>) {
        FormOf<T>::Write(json[std::to_string(key)], &element);
      } else {
        FormOf<T>::Write(json[key], &element);
      }
    }
  }
  static void Read(const nlohmann::json& json, void* value) {
    RequireObject(json);
    std::map<Key, T> read;
    for (const auto& [key, element] : json.items()) {
      if constexpr (WholeNumber<Key>) {
        Key number{};
        ReadEntry(key, NumberOfKey(key), FormOf<Key>::kForm, &number);
        ReadEntry(key, element, FormOf<T>::kForm, &read[number]);
      } else {
        ReadEntry(key, element, FormOf<T>::kForm, &read[key]);
      }
    }
    *static_cast<std::map<Key, T>*>(value) = std::move(read);
  }
  static constexpr ValueForm kForm{.write = Write, .read = Read};
};

template <class T>
struct FormOf<std::optional<T>> {
  static void Write(nlohmann::json& json, const void* value) {
    FormOf<T>::Write(json, &**static_cast<const std::optional<T>*>(value));
  }
  static void Read(const nlohmann::json& json, void* value) {
    T held{};
    FormOf<T>::Read(json, &held);
    *static_cast<std::optional<T>*>(value) = std::move(held);
  }
  static bool IsEmpty(const void* value) { return !static_cast<const std::optional<T>*>(value)->has_value(); }
  static void Clear(void* value) { static_cast<std::optional<T>*>(value)->reset(); }
  static constexpr ValueForm kForm{.write = Write, .read = Read, .is_empty = IsEmpty, .clear = Clear};
};

// What most records are made of is compiled once.
extern template struct FormOf<bool>;
extern template struct FormOf<int>;
extern template struct FormOf<int64_t>;
extern template struct FormOf<double>;
extern template struct FormOf<std::string>;
extern template struct FormOf<nlohmann::json>;
extern template struct FormOf<std::vector<std::string>>;
extern template struct FormOf<std::optional<int64_t>>;
extern template struct FormOf<std::optional<double>>;
extern template struct FormOf<std::optional<std::string>>;

template <Record T>
constexpr bool Requires(std::string_view name) {
  constexpr RecordRules kRules = RulesOfRecord<T>();
  if (HasWord(kRules.required, name)) return true;
  return kRules.whole && !HasWord(kRules.may_lack, name) && !HasWord(kRules.seldom, name);
}

template <class T>
concept KeepsUnknown = requires(T& value) { value.extra.is_object(); };

template <class T, auto kPointer>
void* At(void* record) {
  return &(static_cast<T*>(record)->*kPointer);
}

template <class T>
const void* AsNew() {
  static const T kNew{};
  return &kNew;
}

template <class T>
bool Equals(const void* value, const void* other) {
  return *static_cast<const T*>(value) == *static_cast<const T*>(other);
}

template <class T, class Descriptor>
constexpr MemberForm FormOfMember() {
  using Member = std::remove_cvref_t<decltype(std::declval<T&>().*Descriptor::pointer)>;
  MemberForm form{.name = Descriptor::name,
                  .at = At<T, Descriptor::pointer>,
                  .value = &FormOf<Member>::kForm,
                  .is_required = Requires<T>(Descriptor::name),
                  .equals = nullptr};
  if constexpr (!IsOptional<Member>::value && HasWord(RulesOfRecord<T>().seldom, Descriptor::name)) {
    form.equals = Equals<Member>;
  }
  return form;
}

template <class T>
nlohmann::json* ExtraOf(void* record) {
  return &static_cast<T*>(record)->extra;
}

/// An overload beside the record that throws for what no single member shows.
template <class T>
void CheckAny(const void* record) {
  if constexpr (requires(const T& value) { CheckRecord(value); }) CheckRecord(*static_cast<const T*>(record));
}

template <class T, class... Descriptors>
constexpr std::array<MemberForm, sizeof...(Descriptors)> FormsOf(std::type_identity<void (*)(Descriptors...)>) {
  return {FormOfMember<T, Descriptors>()...};
}

template <Record T>
struct FormOfRecord {
  static_assert(RulesAreOfMembers<T>(), "a rule names something that is no member");
  static constexpr auto kMembers = FormsOf<T>(typename AsFunction<RecordMembers<T>>::type());
  static constexpr RecordForm Make() {
    RecordForm form{.members = kMembers,
                    .subject = RulesOfRecord<T>().subject,
                    .refuses_unknown = RulesOfRecord<T>().refuses_unknown,
                    .as_new = nullptr,
                    .extra = nullptr,
                    .check = CheckAny<T>};
    if constexpr (!RulesOfRecord<T>().seldom.empty()) form.as_new = AsNew<T>;
    if constexpr (KeepsUnknown<T>) form.extra = ExtraOf<T>;
    return form;
  }
  static constexpr RecordForm kForm = Make();
};

template <Record T>
bool Knows(std::string_view key) {
  return Knows(FormOfRecord<T>::kForm, key);
}

}  // namespace record_internal

template <Record T>
void WriteRecord(nlohmann::json& json, const T& value) {
  record_internal::Write(json, record_internal::FormOfRecord<T>::kForm, &value);
}

template <Record T>
void ReadRecord(const nlohmann::json& json, T& value) {
  record_internal::Read(json, record_internal::FormOfRecord<T>::kForm, &value);
}

}  // namespace wfe

/// A record goes where any value that has JSON goes.
template <class T>
  requires wfe::Record<T>
struct nlohmann::adl_serializer<T, void> {
  static void to_json(json& json, const T& value) { wfe::WriteRecord(json, value); }
  static void from_json(const json& json, T& value) { wfe::ReadRecord(json, value); }
};
