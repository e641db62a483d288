// For the files that read profiles: an object of the JSON text that knows its own path and refuses what it was not asked
// for.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfe::build {

/// Leaves the reader; never leaves the files that read profiles.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An object of the profile that knows its own JSON path and refuses what it was not asked for.
class ProfileObject {
 public:
  ProfileObject(const nlohmann::json& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.is_object()) Fail("", "must be an object");
  }

  void AllowOnly(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, unused] : value_.items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) Fail("/" + key, "is not a known key");
    }
  }
  [[noreturn]] void Fail(const std::string& below, const std::string& what) const {
    const std::string place = path_ + below;
    throw Malformed((place.empty() ? "/" : place) + ": " + what);
  }
  const nlohmann::json* Find(const std::string& key) const {
    const auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
  }
  std::string PathOf(const std::string& key) const { return path_ + "/" + key; }

  std::string Text(const std::string& key, std::optional<std::string> missing = std::nullopt) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) {
      if (!missing.has_value()) Fail("/" + key, "is missing");
      return *missing;
    }
    if (!found->is_string()) Fail("/" + key, "must be a string");
    if (!missing.has_value() && found->get_ref<const std::string&>().empty()) Fail("/" + key, "must not be empty");
    return found->get<std::string>();
  }
  std::optional<int64_t> Number(const std::string& key, int64_t low, int64_t high) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number_integer()) Fail("/" + key, "must be a whole number");
    const int64_t number = found->get<int64_t>();
    if (number < low || number > high) {
      Fail("/" + key, "must be from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return number;
  }
  std::vector<std::string> Texts(const std::string& key, bool required) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) {
      if (required) Fail("/" + key, "is missing");
      return {};
    }
    if (!found->is_array()) Fail("/" + key, "must be an array of strings");
    std::vector<std::string> texts;
    for (const nlohmann::json& item : *found) {
      if (!item.is_string()) Fail("/" + key + "/" + std::to_string(texts.size()), "must be a string");
      texts.push_back(item.get<std::string>());
    }
    if (required && texts.empty()) Fail("/" + key, "must not be empty");
    return texts;
  }
  std::vector<int> Numbers(const std::string& key, std::vector<int> missing) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) return missing;
    if (!found->is_array()) Fail("/" + key, "must be an array of whole numbers");
    std::vector<int> numbers;
    for (const nlohmann::json& item : *found) {
      if (!item.is_number_integer()) Fail("/" + key + "/" + std::to_string(numbers.size()), "must be a whole number");
      numbers.push_back(item.get<int>());
    }
    return numbers;
  }
  std::vector<ProfileObject> Objects(const std::string& key, bool required) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) {
      if (required) Fail("/" + key, "is missing");
      return {};
    }
    if (!found->is_array()) Fail("/" + key, "must be an array of objects");
    std::vector<ProfileObject> objects;
    for (const nlohmann::json& item : *found) objects.emplace_back(item, PathOf(key) + "/" + std::to_string(objects.size()));
    if (required && objects.empty()) Fail("/" + key, "must not be empty");
    return objects;
  }
  bool Flag(const std::string& key, bool missing) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) return missing;
    if (!found->is_boolean()) Fail("/" + key, "must be true or false");
    return found->get<bool>();
  }
  std::vector<std::pair<std::string, std::string>> TextMap(const std::string& key) const {
    const nlohmann::json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_object()) Fail("/" + key, "must be an object of strings");
    std::vector<std::pair<std::string, std::string>> map;
    for (const auto& [name, value] : found->items()) {
      if (!value.is_string()) Fail("/" + key + "/" + name, "must be a string");
      map.emplace_back(name, value.get<std::string>());
    }
    return map;
  }

 private:
  const nlohmann::json& value_;
  std::string path_;
};

}  // namespace wfe::build
