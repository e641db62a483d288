// Reading a workflow's input from JSON so that a person's mistake is named: a wrong type by its key, a key that nobody
// knows as unknown.  For from_json functions of input structs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

namespace wfe::sdk {

/// One pass over an input object.  Everything throws nlohmann::json::exception with a sentence.
class JsonInput {
 public:
  explicit JsonInput(const nlohmann::json& object) : object_(object) {
    Require(object.is_object(), "the input must be a JSON object");
  }

  /// Reads `key` into `field` when it is there and not null.
  template <class T>
  void Read(const char* key, T& field) {
    known_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) return;
    try {
      field = found->template get<T>();
    } catch (const nlohmann::json::exception& e) {
      throw nlohmann::json::other_error::create(501, std::string("input.") + key + ": " + e.what(), nullptr);
    }
  }
  template <class T>
  void Read(const char* key, std::optional<T>& field) {
    T value{};
    known_.insert(key);
    if (!object_.contains(key) || object_.at(key).is_null()) return;
    Read(key, value);
    field = std::move(value);
  }

  /// After every Read: what was not read is a mistake.
  void RefuseUnknown() const {
    for (const auto& [key, value] : object_.items()) {
      if (!known_.contains(key)) {
        throw nlohmann::json::other_error::create(502, "input." + key + " is not known", nullptr);
      }
    }
  }

  static void Require(bool condition, const std::string& sentence) {
    if (!condition) throw nlohmann::json::other_error::create(503, sentence, nullptr);
  }

 private:
  const nlohmann::json& object_;
  std::set<std::string> known_;
};

}  // namespace wfe::sdk
