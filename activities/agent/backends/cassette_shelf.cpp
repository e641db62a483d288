#include "activities/agent/backends/cassette_shelf.h"

#include <filesystem>
#include <map>
#include <mutex>

#include "activities/agent/backends/cassette_backend.h"

namespace wfe::agent {
namespace {

class CassetteShelf final : public ModelBackend {
 public:
  explicit CassetteShelf(std::string directory) : directory_(std::move(directory)) {}

  std::string ModelLabel(const std::string& model) const override { return "scripted/" + model; }
  bool scripted() const override { return true; }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    const Result<std::shared_ptr<ModelBackend>> cassette = Find(call.model);
    if (!cassette) return ModelError{.kind = ModelErrorKind::kPermanent, .message = cassette.error().message};
    return (*cassette)->Generate(call, control);
  }

 private:
  Result<std::shared_ptr<ModelBackend>> Find(const std::string& name) {
    if (name.empty() || name.find_first_of("/\\") != std::string::npos || name.front() == '.') {
      return InvalidArgument("the scripted backend takes the name of a cassette as its model, not \"" + name + "\"");
    }
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(name); found != open_.end()) return found->second;
    std::string path = directory_ + "/" + name + ".jsonl";
    if (!std::filesystem::exists(path)) path = directory_ + "/" + name + "/" + name + ".jsonl";
    if (!std::filesystem::exists(path)) return NotFound("there is no cassette " + name + " in " + directory_);
    WFE_ASSIGN_OR_RETURN(std::shared_ptr<ModelBackend> cassette, OpenCassette(path));
    open_.emplace(name, cassette);
    return cassette;
  }

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ModelBackend>> open_;  // guarded by mutex_
};

}  // namespace

std::shared_ptr<ModelBackend> OpenCassetteShelf(const std::string& directory) {
  return std::make_shared<CassetteShelf>(directory);
}

}  // namespace wfe::agent
