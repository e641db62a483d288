// The JSON schema (draft 2020-12) of a record, from its one declaration (record.h).
#pragma once

#include <boost/mp11/algorithm.hpp>

#include "engine/base/record_json.h"

namespace wfe {

template <Record T>
nlohmann::json RecordSchema();

namespace record_internal {

template <class T>
struct SchemaOf {
  static nlohmann::json Get() {
    if constexpr (Record<T>) {
      return RecordSchema<T>();
    } else if constexpr (std::same_as<T, bool>) {
      return {{"type", "boolean"}};
    } else if constexpr (std::integral<T>) {
      return {{"type", "integer"}};
    } else if constexpr (std::floating_point<T>) {
      return {{"type", "number"}};
    } else if constexpr (std::same_as<T, std::string>) {
      return {{"type", "string"}};
    } else if constexpr (requires { T::kJsonType; }) {
      return {{"type", T::kJsonType}};
    } else {
      return nlohmann::json::object();  // Anything: JSON itself, or a type with a form of its own.
    }
  }
};
template <class T>
struct SchemaOf<std::optional<T>> : SchemaOf<T> {};
template <class T>
struct SchemaOf<std::vector<T>> {
  static nlohmann::json Get() { return {{"type", "array"}, {"items", SchemaOf<T>::Get()}}; }
};
template <class Key, class T>
struct SchemaOf<std::map<Key, T>> {
  static nlohmann::json Get() { return {{"type", "object"}, {"additionalProperties", SchemaOf<T>::Get()}}; }
};

}  // namespace record_internal

/// What ReadRecord accepts, as far as types and names go; with the value of a new record where that says something.
template <Record T>
nlohmann::json RecordSchema() {
  static_assert(RulesAreOfMembers<T>(), "a rule names something that is no member");
  nlohmann::json properties = nlohmann::json::object();
  nlohmann::json required = nlohmann::json::array();
  const T made{};
  boost::mp11::mp_for_each<RecordMembers<T>>([&]<class Descriptor>(Descriptor) {
    const auto& member = made.*Descriptor::pointer;
    using Member = std::remove_cvref_t<decltype(member)>;
    nlohmann::json& property = properties[Descriptor::name] = record_internal::SchemaOf<Member>::Get();
    if constexpr (!record_internal::IsOptional<Member>::value) {
      if constexpr (record_internal::Requires<T>(Descriptor::name)) required.push_back(Descriptor::name);
      if constexpr (std::is_arithmetic_v<Member> || std::same_as<Member, std::string>) {
        if (member != Member()) property["default"] = member;
      }
    }
  });
  nlohmann::json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  if (RulesOfRecord<T>().refuses_unknown) schema["additionalProperties"] = false;
  return schema;
}

}  // namespace wfe
