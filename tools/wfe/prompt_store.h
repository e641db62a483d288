// The template store as the command line reaches it: the files of this machine, rows and blobs of the records service.
#pragma once

#include <memory>
#include <string>

#include "activities/prompts/template_store.h"
#include "tools/wfe/cli.h"
#include "workers/client/records_client.h"

namespace wfe::cli {

/// Where a data file that ships with wfe is, named from the root of the sources: in ../share/wfe of an installed program,
/// else in the sources it was built from.
std::string ShippedFile(const std::string& relative);
/// The directory with the templates: `build.templates` of the configuration, else those that ship with wfe.
std::string TemplatesDir(const Config& config);

/// Where records are served: the server itself, or a service of their own (`--records`).
struct RecordsOptions {
  std::string address;
};
/// Adds --records.
void AddRecordsOption(CLI::App& command, RecordsOptions& options);

/// A connection to the records service; UNAVAILABLE names the address.
class RecordsConnection {
 public:
  static Result<RecordsConnection> Open(Globals& globals, const RecordsOptions& options);
  const std::shared_ptr<client::RecordsClient>& records() const { return records_; }
  /// The way to it, for calls that RecordsClient does not have.
  client::ServiceClient& channel(Globals& globals) const { return channel_ ? *channel_ : globals.client(); }
  /// A store over it.  This object must outlive the store.
  prompts::TemplateStore Templates(const Config& config) const;

 private:
  std::unique_ptr<client::ServiceClient> channel_;  ///< nullptr: the global one.
  std::shared_ptr<client::RecordsClient> records_;
};

/// Prints it, and a line end where it has none.  A file or pipe gets the bytes; on a terminal control characters show.
void PutText(const std::string& text);
/// A diff with the sections it touches first; JSON adds both to `object`.
void PrintTextDiff(const prompts::TextDiff& diff, nlohmann::ordered_json object, OutputFormat format);

/// `diff-context`, below `wfe audit`.
void AddAuditContextCommand(CLI::App& audit, Globals& globals);
/// `show-step`, below `wfe audit`.
void AddAuditStepCommand(CLI::App& audit, Globals& globals);

}  // namespace wfe::cli
