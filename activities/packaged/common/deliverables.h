// What a packaged workflow leaves (CW-1, CW-5, RP-11): files in one folder, what is missing among them, and the activity
// that writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/blob_store.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// A file to be written.  Its content stands here, or in a blob where it is long.
struct DeliverableFile {
  std::string path;  ///< Relative to the folder, '/' between its parts.
  std::string kind;  ///< markdown, json, html, code, csv …; for people and programs that look for one.
  std::string text;
  std::string blob;  ///< SHA-256 of a blob, instead of `text`.

  friend bool operator==(const DeliverableFile&, const DeliverableFile&) = default;
};
WFE_RECORD(DeliverableFile, path, kind, text, blob);
constexpr RecordRules RulesOf(const DeliverableFile*) { return {.required = "path kind", .seldom = "text blob"}; }

/// A longer text goes into a blob, so that histories stay small.
inline constexpr size_t kMaxInlineDeliverable = 16 << 10;
/// `text` as a file, through a blob where it is long.
Result<DeliverableFile> MakeDeliverable(BlobSink& sink, std::string path, std::string kind, std::string text);

/// A file that was written.
struct Deliverable {
  std::string path;
  std::string kind;
  int64_t bytes = 0;
  std::string sha256;
  bool unchanged = false;  ///< It stood there with this content.

  friend bool operator==(const Deliverable&, const Deliverable&) = default;
};
WFE_RECORD(Deliverable, path, kind, bytes, sha256, unchanged);
constexpr RecordRules RulesOf(const Deliverable*) { return {.seldom = "unchanged"}; }

/// What is missing among the deliverables, and why: a step that failed for good, a document that could not be read.
struct Gap {
  std::string step;  ///< The activity's name, or "document NAME".
  std::string reason;

  friend bool operator==(const Gap&, const Gap&) = default;
};
WFE_RECORD(Gap, step, reason);

/// Beside the deliverables: which files are ours, with the hash that each had when we wrote it.
inline constexpr std::string_view kDeliverablesManifest = ".wfe_deliverables.json";
/// OutcomeType of both activities where a file would be written over that is not ours, or that somebody has changed.
inline constexpr std::string_view kNotOurs = "NOT_OURS";

struct PrepareDeliverablesInput {
  std::string output_dir;  ///< Absolute.
  std::vector<std::string> paths;  ///< Of the files that are known already.
  bool force = false;
};
WFE_RECORD(PrepareDeliverablesInput, output_dir, paths, force);
constexpr RecordRules RulesOf(const PrepareDeliverablesInput*) { return {.required = "output_dir"}; }

struct SaveDeliverablesInput {
  std::string output_dir;  ///< Absolute; made when it is missing.
  std::string workflow;    ///< "permits"; stands in the manifest.
  std::vector<DeliverableFile> files;
  bool force = false;  ///< Also over files that are not ours.
};
WFE_RECORD(SaveDeliverablesInput, output_dir, workflow, files, force);
constexpr RecordRules RulesOf(const SaveDeliverablesInput*) { return {.required = "output_dir files"}; }

struct SaveDeliverablesResult {
  std::vector<Deliverable> deliverables;
};
WFE_RECORD(SaveDeliverablesResult, deliverables);

/// Makes the folder and says before anything is spent whether save_deliverables will write these files.  NOT_OURS and
/// INVALID_INPUT, both not retried; UNAVAILABLE where the folder cannot be made.
inline constexpr sdk::ActivityType<PrepareDeliverablesInput, sdk::Nothing> kPrepareDeliverables{"prepare_deliverables"};
/// Writes every file whole, inside of the folder only, and never over one that is not ours; all names are looked at
/// before the first is written.  Repeating it is harmless.
inline constexpr sdk::ActivityType<SaveDeliverablesInput, SaveDeliverablesResult> kSaveDeliverables{"save_deliverables"};

sdk::ActivityResult<sdk::Nothing> PrepareDeliverables(const PrepareDeliverablesInput& input);
sdk::ActivityResult<SaveDeliverablesResult> SaveDeliverables(BlobSource& blobs, const SaveDeliverablesInput& input);

}  // namespace wfe::packaged
