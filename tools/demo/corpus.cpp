#include "tools/demo/corpus.h"

#include <filesystem>
#include <fstream>

#include "activities/trace/audit.h"
#include "tools/demo/run_builds.h"
#include "tools/demo/truth.h"

namespace wfe::demo {

Result<Corpus> GenerateCorpus(const CorpusOptions& options) {
  if (options.runs < 1 || options.runs > 99'999) {
    return InvalidArgument("a corpus has 1 to 99999 runs, not " + std::to_string(options.runs));
  }
  const Behaviour behaviour(options.seed, options.runs, options.causes);
  Progress progress;
  if (options.progress) progress = [&options](int done) { options.progress(done, options.runs); };
  WFE_ASSIGN_OR_RETURN(const BuildTraces traces, options.without_engine ? RunWithoutEngine(behaviour, progress)
                                                                        : RunThroughEngine(behaviour, progress));
  Corpus corpus;
  corpus.runs = options.runs;
  corpus.entries = traces.sink.entries();
  for (const auto& [folder, text] : traces.sink.traces()) {
    corpus.files[folder + "/" + std::string(trace::kTraceFileName)] = text;
  }
  for (const auto& [hash, gemini] : traces.contexts) corpus.files["contexts/" + hash + ".md"] = gemini.text;
  WFE_ASSIGN_OR_RETURN(corpus.files["truth.json"], DescribeTruth(behaviour, traces, !options.without_engine));
  return corpus;
}

Status CheckEmpty(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return Ok();
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error) return Unavailable("cannot read the directory " + directory + ": " + error.message());
  return empty ? Ok() : AlreadyExists("the directory " + directory + " is not empty; name a new one");
}

Status WriteCorpus(const Corpus& corpus, const std::string& directory) {
  namespace fs = std::filesystem;
  WFE_RETURN_IF_ERROR(CheckEmpty(directory));
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return Unavailable("cannot make the directory " + directory + ": " + error.message());
  for (const auto& [path, content] : corpus.files) {
    const fs::path target = fs::path(directory) / path;
    fs::create_directories(target.parent_path(), error);
    std::ofstream out(target, std::ios::binary);
    out << content;
    out.close();
    if (!out) return Unavailable("cannot write " + target.string());
  }
  return Ok();
}

}  // namespace wfe::demo
