#include "activities/packaged/common/deliverables.h"

#include <filesystem>
#include <utility>

#include "activities/packaged/common/ending.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::packaged {
namespace {

using sdk::ActivityResult;
using sdk::ApplicationFailure;

/// A deliverable may be a chart's data, but hardly more.
constexpr uint64_t kMaxDeliverableBytes = 64ull << 20;

using Manifest = std::map<std::string, std::string>;  // hashes by path

Result<sandbox::SafeDir> OpenFolder(const std::string& output_dir) {
  std::error_code error;
  std::filesystem::create_directories(output_dir, error);
  if (error) return Unavailable("cannot make the folder " + output_dir + ": " + error.message());
  return sandbox::SafeDir::Open(output_dir, {.max_file_bytes = kMaxDeliverableBytes});
}

/// Of an unreadable manifest nothing is ours: the worst is that --force is asked for.
Manifest ReadManifest(const sandbox::SafeDir& folder) {
  const Result<std::string> text = folder.Read(kDeliverablesManifest);
  if (!text) return {};
  try {
    return ParseJson(*text).at("files").get<Manifest>();
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

/// Why the file may not be written over; empty: it may.
Result<std::string> WhyNotOver(const sandbox::SafeDir& folder, const Manifest& ours, const std::string& path,
                               const std::string& next_hash) {
  WFE_ASSIGN_OR_RETURN(const auto entry, folder.Stat(path));
  if (!entry) return std::string();
  if (entry->kind != sandbox::FileKind::kFile) return path + " is no plain file";
  const Result<std::string> bytes = folder.Read(path);
  if (!bytes) return path + " cannot be read to see whether it is ours: " + bytes.error().message;
  const std::string hash = ToHex(Sha256(*bytes));
  if (hash == next_hash) return std::string();
  const auto known = ours.find(path);
  if (known == ours.end()) return path + " was there before and is not ours";
  if (known->second != hash) return path + " was changed since it was written";
  return std::string();
}

ApplicationFailure NotOurs(const std::string& output_dir, const std::string& why) {
  return ForGood(kNotOurs, "in " + output_dir + ", " + why +
                               "; nothing was written: give another folder, or --force to write over it");
}

}  // namespace

Result<DeliverableFile> MakeDeliverable(BlobSink& sink, std::string path, std::string kind, std::string text) {
  DeliverableFile file{.path = std::move(path), .kind = std::move(kind), .text = {}, .blob = {}};
  if (text.size() > kMaxInlineDeliverable) {
    WFE_ASSIGN_OR_RETURN(file.blob, sink.Put(text));
  } else {
    file.text = std::move(text);
  }
  return file;
}

ActivityResult<sdk::Nothing> PrepareDeliverables(const PrepareDeliverablesInput& input) {
  const Result<sandbox::SafeDir> folder = OpenFolder(input.output_dir);
  if (!folder) return folder.error();
  const Manifest ours = ReadManifest(*folder);
  for (const std::string& path : input.paths) {
    const Result<std::string> checked = folder->CheckPath(path);
    if (!checked) return ForGood(kInvalidInput, checked.error().message);
    if (input.force) continue;
    const Result<std::string> why = WhyNotOver(*folder, ours, *checked, "");
    if (!why) return why.error();
    if (!why->empty()) return NotOurs(input.output_dir, *why);
  }
  return sdk::Nothing();
}

ActivityResult<SaveDeliverablesResult> SaveDeliverables(BlobSource& blobs, const SaveDeliverablesInput& input) {
  const Result<sandbox::SafeDir> folder = OpenFolder(input.output_dir);
  if (!folder) return folder.error();
  Manifest ours = ReadManifest(*folder);
  SaveDeliverablesResult result;
  std::vector<std::string> contents;
  for (const DeliverableFile& file : input.files) {
    const Result<std::string> path = folder->CheckPath(file.path);
    if (!path) return ForGood(kInvalidInput, path.error().message);
    std::string content = file.text;
    if (!file.blob.empty()) {
      Result<std::string> kept = blobs.Get(file.blob);
      if (!kept) return kept.error();
      content = *std::move(kept);
    }
    const std::string hash = ToHex(Sha256(content));
    if (!input.force) {
      const Result<std::string> why = WhyNotOver(*folder, ours, *path, hash);
      if (!why) return why.error();
      if (!why->empty()) return NotOurs(input.output_dir, *why);
    }
    result.deliverables.push_back({.path = *path,
                                   .kind = file.kind,
                                   .bytes = static_cast<int64_t>(content.size()),
                                   .sha256 = hash,
                                   .unchanged = false});
    contents.push_back(std::move(content));
  }
  // The manifest comes first: what dies between the two leaves names in it that are not there yet, and no file that
  // looks like somebody else's.  An old file keeps its hash until its successor stands there.
  for (const Deliverable& file : result.deliverables) ours.try_emplace(file.path, file.sha256);
  const auto write_manifest = [&] {
    const nlohmann::json manifest = {{"workflow", input.workflow}, {"files", ours}};
    return folder->Write(kDeliverablesManifest, manifest.dump(2) + "\n");
  };
  if (const Status wrote = write_manifest(); !wrote) return wrote.error();
  for (size_t i = 0; i < contents.size(); ++i) {
    Deliverable& file = result.deliverables[i];
    const Result<std::string> before = folder->Read(file.path);
    file.unchanged = before && *before == contents[i];
    if (file.unchanged) continue;
    if (const Status wrote = folder->Write(file.path, contents[i]); !wrote) return wrote.error();
    ours[file.path] = file.sha256;
    if (const Status kept = write_manifest(); !kept) return kept.error();
  }
  for (const Deliverable& file : result.deliverables) ours[file.path] = file.sha256;
  if (const Status kept = write_manifest(); !kept) return kept.error();
  return result;
}

}  // namespace wfe::packaged
