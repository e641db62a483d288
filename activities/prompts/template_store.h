// The store of prompt templates (RC-4): which versions there are, which one builds use, and who changed that, when and
// why (VI-7).  Nothing is ever overwritten; see template_state.h for what is kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "activities/prompts/context_template.h"
#include "activities/prompts/template_rows.h"
#include "activities/prompts/template_state.h"
#include "activities/prompts/text_diff.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/blob_store.h"

namespace wfe::prompts {

struct TemplateStoreOptions {
  std::string templates_dir;           ///< <id>/template.json and <id>/v<NNN>.md: the versions that ship.
  std::shared_ptr<TemplateRows> rows;  ///< nullptr: only the files, and nothing can be changed.
  std::shared_ptr<BlobSink> blob_sink;
  std::shared_ptr<BlobSource> blob_source;
  std::shared_ptr<const Clock> clock;  ///< nullptr: the machine's.
};

struct NewDraft {
  std::string template_id;
  int parent_version = 0;  ///< 0: the active one; a template that is new has none.
  std::string text;
  std::string author;
  std::string reason;
  std::optional<TemplateEvidence> evidence;
};

struct TemplateChange {
  int version = 0;           ///< The one that is active now.
  int previous_version = 0;  ///< The one before, 0 for none.
  bool changed = false;      ///< False: it was active already, and nothing was recorded.
};

/// Every call reads the rows again, so any number of stores in any number of processes may use the same ones: a change
/// that meets another is decided anew on what the other left.  Callable from any thread; calls block.
///
/// Errors: NOT_FOUND (no such template or version), INVALID_ARGUMENT (an empty author or reason, a text that cannot be
/// a template), FAILED_PRECONDITION (nothing to roll back to), UNAVAILABLE (rows or blobs cannot be reached),
/// DATA_LOSS.
class TemplateStore {
 public:
  explicit TemplateStore(TemplateStoreOptions options);

  /// Of files and of rows, sorted.
  Result<std::vector<std::string>> TemplateIds() const;
  Result<TemplateState> State(const std::string& template_id) const;
  /// The words of a version; 0 means the active one.
  Result<ContextTemplate> Load(const std::string& template_id, int version) const;
  /// The same, for one who has read the state.
  Result<ContextTemplate> Load(const TemplateState& state, int version) const;
  /// 0 means the active one.
  Result<TextDiff> Diff(const std::string& template_id, int from_version, int to_version) const;

  /// Stores a version that nobody uses until it is activated, and returns its number.  Evidence that has led to a
  /// version before leads to the same one again.  A placeholder that the parent does not have is refused: builds would
  /// have no value for it.
  Result<int> CreateDraft(const NewDraft& draft);
  /// Makes any version the active one.  `only_from` (0: any) is the version that its author saw as the active one: with
  /// another one nothing changes, and ABORTED says so.
  Result<TemplateChange> Activate(const std::string& template_id, int version, const std::string& author,
                                  const std::string& reason, int only_from = 0);
  /// Goes back to a version, 0 for the one that was active before.  The version given up gets the status "rolled_back".
  Result<TemplateChange> RollBack(const std::string& template_id, int version, const std::string& author,
                                  const std::string& reason, int only_from = 0);
  /// Makes a version the arm of an experiment (kTemplateTried), gives such a version or a draft up (kTemplateGivenUp), or
  /// makes it a draft again (kTemplateUntried).  False: it was so already.  FAILED_PRECONDITION for the active version.
  Result<bool> Mark(std::string_view kind, const std::string& template_id, int version, const std::string& author,
                    const std::string& reason);

 private:
  /// "; did you mean ID?" or nothing.
  std::string Guess(const std::string& template_id) const;
  Result<BuiltInVersions> BuiltIn(const std::string& template_id) const;
  /// Reads the version's words and stores them again, so that the event names words that exist, also for a file.
  Result<TemplateEvent> EventAbout(const TemplateState& state, int version, std::string_view kind,
                                   const std::string& author, const std::string& reason) const;
  Result<TemplateChange> Switch(std::string_view kind, const std::string& template_id, int version,
                                const std::string& author, const std::string& reason, int only_from);
  /// False: another writer was faster, and the state has to be read again.
  Result<bool> Append(const TemplateState& state, TemplateEvent event);
  Status CheckWritable(const std::string& author, const std::string& reason) const;

  TemplateStoreOptions options_;
};

}  // namespace wfe::prompts
