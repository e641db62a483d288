// The generator of demonstration traces: what it writes is what real runs write, and what it plants is there.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "activities/trace/trace_file.h"
#include "activities/trace/trace_validator.h"
#include "tools/demo/corpus.h"

namespace wfe::demo {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::SizeIs;
using trace::LogEntry;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "wfe-demo-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Corpus Generate(CorpusOptions options) {
  Result<Corpus> corpus = GenerateCorpus(options);
  EXPECT_TRUE(corpus.has_value()) << (corpus ? "" : corpus.error().ToString());
  return corpus ? *std::move(corpus) : Corpus();
}

std::vector<LogEntry> Entries(const Corpus& corpus) {
  std::vector<LogEntry> entries;
  for (const auto& [path, text] : corpus.files) {
    if (!path.ends_with(".jsonl")) continue;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      const auto entry = trace::ParseLogEntry(std::string_view(text).substr(begin, end - begin));
      EXPECT_TRUE(entry.has_value());
      if (entry) entries.push_back(*entry);
      begin = end + 1;
    }
  }
  return entries;
}

/// Every trace below the directory, as `wfe audit validate` judges it.
void ExpectValid(const std::string& directory) {
  for (const auto& file : fs::recursive_directory_iterator(directory)) {
    if (file.path().filename() != "audit_trace.jsonl") continue;
    const auto report = trace::ValidateTrace(file.path().string());
    ASSERT_TRUE(report.has_value());
    for (const auto& problem : report->problems) {
      ADD_FAILURE() << file.path() << ":" << problem.line << ": " << problem.message;
    }
    EXPECT_GT(report->entries, 0);
  }
}

TEST(DemoCorpus, OneRunThroughTheEngineWritesAValidTrace) {
  const Corpus corpus = Generate({.seed = 1, .runs = 1, .causes = {}, .without_engine = false, .progress = nullptr});
  const std::vector<LogEntry> entries = Entries(corpus);
  ASSERT_GE(entries.size(), 5U);
  EXPECT_EQ(entries.front().step_name, "workflow_started");
  EXPECT_EQ(entries.back().step_name, "workflow_completed");
  const TempDir dir;
  ASSERT_TRUE(WriteCorpus(corpus, dir.path()).has_value());
  ExpectValid(dir.path());
}

// The same seed gives the same bytes, ext.logged_at included.
TEST(DemoCorpus, TheSameSeedGivesTheSameBytes) {
  const CorpusOptions options{.seed = 7, .runs = 12, .causes = {}, .without_engine = false, .progress = nullptr};
  const Corpus first = Generate(options);
  const Corpus second = Generate(options);
  EXPECT_EQ(first.files, second.files);
  CorpusOptions other = options;
  other.seed = 8;
  EXPECT_NE(Generate(other).files, first.files);
}

/// What of an entry does not depend on when and under which run id it was written.
nlohmann::json Timeless(LogEntry entry) {
  for (const char* key : {"logged_at", "entry_hash", "entry_id"}) entry.ext.erase(key);
  entry.timestamp.clear();
  entry.workflow_run_id.clear();
  return entry;
}

TEST(DemoCorpus, WithoutTheEngineTheEntriesAreTheSameButForIdsAndTimes) {
  CorpusOptions options{.seed = 3, .runs = 60, .causes = {}, .without_engine = false, .progress = nullptr};
  const auto by_workflow = [](const Corpus& corpus) {
    std::map<std::string, std::vector<nlohmann::json>> entries;
    for (const LogEntry& entry : Entries(corpus)) {
      entries[trace::ExtString(entry, "workflow_id")].push_back(Timeless(entry));
    }
    return entries;
  };
  const auto through_engine = by_workflow(Generate(options));
  options.without_engine = true;
  const auto without = by_workflow(Generate(options));
  ASSERT_THAT(through_engine, SizeIs(60));
  EXPECT_EQ(through_engine, without);
}

// TR-2, TR-3: the simulated log writes what the real one does.
TEST(DemoCorpus, TheRealWriterGivesTheSameBytes) {
  const Corpus corpus = Generate({.seed = 5, .runs = 3, .causes = {}, .without_engine = true, .progress = nullptr});
  for (const auto& [path, text] : corpus.files) {
    if (!path.ends_with(".jsonl")) continue;
    const TempDir dir;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      auto entry = trace::ParseLogEntry(std::string_view(text).substr(begin, end - begin));
      ASSERT_TRUE(entry.has_value());
      const auto logged_at = ParseIso8601(trace::ExtString(*entry, "logged_at"));
      ASSERT_TRUE(logged_at.has_value());
      entry->ext.erase("logged_at");
      ASSERT_TRUE(trace::AppendEntry(dir.path(), *entry, *logged_at).has_value());
      begin = end + 1;
    }
    std::ifstream in(dir.path() + "/audit_trace.jsonl", std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
  }
}

// LG-19: nothing in a corpus may look like money or like a model's own count.
TEST(DemoCorpus, EveryAgentRowSaysThatNoModelWasCalled) {
  for (const LogEntry& entry :
       Entries(Generate({.seed = 2, .runs = 40, .causes = {}, .without_engine = true, .progress = nullptr}))) {
    if (trace::ExtString(entry, "kind") != "agent") continue;
    EXPECT_EQ(trace::ExtString(entry, "token_count_source"), "scripted");
    EXPECT_EQ(trace::ExtString(entry, "model"), "simulated-flash");
    EXPECT_EQ(trace::ExtString(entry, "backend"), "simulated");
    EXPECT_FALSE(entry.ext.contains("cost_usd"));
  }
}

TEST(DemoCorpus, PlantedCausesAreThereAndOnlyWhenTheyAreAskedFor) {
  const auto truth = [](Causes causes) {
    return nlohmann::json::parse(
        Generate({.seed = 1, .runs = 600, .causes = causes, .without_engine = true, .progress = nullptr})
            .files.at("truth.json"));
  };
  const auto mean_of_others = [](const nlohmann::json& means) {
    double sum = 0;
    int n = 0;
    for (const auto& [name, mean] : means.items()) {
      if (name == "TSC_ERROR_TS2345") continue;
      sum += mean.at("mean").get<double>() * mean.at("n").get<double>();
      n += mean.at("n").get<int>();
    }
    return sum / n;
  };
  const auto share = [](const nlohmann::json& json) {
    return json.at("hits").get<double>() / json.at("n").get<double>();
  };

  const nlohmann::json planted = truth(Causes());
  EXPECT_THAT(planted.at("planted"), SizeIs(4));
  const auto& causes = planted.at("causes");
  const auto& tokens = causes.at("costly_class").at("tokens_per_repair");
  EXPECT_GT(tokens.at("TSC_ERROR_TS2345").at("mean").get<double>(), 2.5 * mean_of_others(tokens));
  EXPECT_GT(share(causes.at("constraint_change").at("builds_with_it_before")),
            2.5 * share(causes.at("constraint_change").at("builds_with_it_after")));
  const auto& rates = causes.at("worse_prompt").at("first_pass_by_template_version");
  EXPECT_GT(share(rates.at("2")), 1.5 * share(rates.at("3")));
  EXPECT_GT(planted.at("contexts").size(), 8U);

  const nlohmann::json null = truth(Causes::None());
  EXPECT_THAT(null.at("planted"), IsEmpty());
  const auto& null_tokens = null.at("causes").at("costly_class").at("tokens_per_repair");
  EXPECT_NEAR(null_tokens.at("TSC_ERROR_TS2345").at("mean").get<double>() / mean_of_others(null_tokens), 1, 0.25);
  const auto& null_rates = null.at("causes").at("worse_prompt").at("first_pass_by_template_version");
  EXPECT_NEAR(share(null_rates.at("2")), share(null_rates.at("3")), 0.15);
  EXPECT_THAT(null.at("contexts"), SizeIs(3));
}

TEST(DemoCorpus, AnUnknownCauseIsRefusedByName) {
  const auto causes = Causes::Parse("costly_class,bad_weather");
  ASSERT_FALSE(causes.has_value());
  EXPECT_THAT(causes.error().message, testing::HasSubstr("bad_weather"));
}

TEST(DemoCorpus, ADirectoryThatIsNotEmptyIsLeftAlone) {
  const TempDir dir;
  std::ofstream(dir.path() + "/mine.txt") << "mine";
  const Corpus corpus = Generate({.seed = 1, .runs = 1, .causes = {}, .without_engine = true, .progress = nullptr});
  const Status written = WriteCorpus(corpus, dir.path());
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace wfe::demo
