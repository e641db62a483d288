// The corpus in workflows/optimization/corpus is what `wfe demo traces --seed 1` writes, byte for byte.
//
// WFE_REWRITE=1 bundled_corpus_test writes it anew, after a change to the generator; read the diff.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tools/demo/corpus.h"

namespace wfe::demo {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> FilesBelow(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), directory).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

TEST(BundledCorpus, TheGeneratorReproducesItByteForByte) {
  const std::string directory = std::string(WFE_SOURCE_DIR) + "/workflows/optimization/corpus";
  const Result<Corpus> corpus = GenerateCorpus(CorpusOptions());
  ASSERT_TRUE(corpus.has_value()) << corpus.error().ToString();
  if (std::getenv("WFE_REWRITE") != nullptr) {
    fs::remove_all(directory);
    const Status written = WriteCorpus(*corpus, directory);
    ASSERT_TRUE(written.has_value()) << written.error().ToString();
  }
  const std::map<std::string, std::string> bundled = FilesBelow(directory);
  size_t bytes = 0;
  for (const auto& [path, content] : corpus->files) {
    bytes += content.size();
    const auto found = bundled.find(path);
    ASSERT_NE(found, bundled.end()) << path << " is missing in " << directory;
    // Not EXPECT_EQ: a difference would print megabytes.
    if (found->second == content) continue;
    const auto differs = std::mismatch(content.begin(), content.end(), found->second.begin(), found->second.end());
    ADD_FAILURE() << path << " differs from byte " << differs.first - content.begin() << " on";
  }
  EXPECT_EQ(bundled.size(), corpus->files.size()) << "there are files that the generator does not write";
  EXPECT_LT(bytes, 4U << 20);
}

}  // namespace
}  // namespace wfe::demo
