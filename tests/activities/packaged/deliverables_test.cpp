// What packaged workflows write, and over what they do not (CW-1, CW-5).
#include "activities/packaged/common/deliverables.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/packaged/common/model_step.h"

namespace wfe::packaged {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Deliverables : public ::testing::Test {
 protected:
  Deliverables() {
    std::string pattern = (fs::temp_directory_path() / "wfe-deliverables-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
  }
  ~Deliverables() override { fs::remove_all(dir_); }

  SaveDeliverablesInput Ask(const std::string& text, const std::string& path = "report.md") const {
    return {.output_dir = (dir_ / "out").string(),
            .workflow = "permits",
            .files = {{.path = path, .kind = "markdown", .text = text, .blob = {}}},
            .force = false};
  }
  std::string Text(const std::string& path) const {
    std::ifstream in(dir_ / "out" / path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Put(const std::string& path, const std::string& text) const {
    fs::create_directories(dir_ / "out");
    std::ofstream(dir_ / "out" / path) << text;
  }

  fs::path dir_;
  MemoryBlobs blobs_;
};

TEST_F(Deliverables, AreWrittenAgainOverTheirOwnFiles) {
  const auto first = SaveDeliverables(blobs_, Ask("one"));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first.value().deliverables.at(0).bytes, 3);
  EXPECT_FALSE(first.value().deliverables.at(0).unchanged);
  EXPECT_TRUE(SaveDeliverables(blobs_, Ask("one")).value().deliverables.at(0).unchanged);
  ASSERT_TRUE(SaveDeliverables(blobs_, Ask("two")).has_value());
  EXPECT_EQ(Text("report.md"), "two");
}

TEST_F(Deliverables, AreNeverWrittenOverWhatIsSomebodyElses) {
  Put("report.md", "mine");
  const auto refused = SaveDeliverables(blobs_, Ask("one"));
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_EQ(refused.failure()->type, kNotOurs);
  EXPECT_TRUE(refused.failure()->non_retryable);
  EXPECT_THAT(refused.failure()->message, HasSubstr("report.md was there before and is not ours"));
  const PrepareDeliverablesInput prepare{.output_dir = (dir_ / "out").string(), .paths = {"report.md"}, .force = false};
  ASSERT_NE(PrepareDeliverables(prepare).failure(), nullptr);
  EXPECT_EQ(Text("report.md"), "mine");
  SaveDeliverablesInput force = Ask("one");
  force.force = true;
  ASSERT_TRUE(SaveDeliverables(blobs_, force).has_value());
  EXPECT_EQ(Text("report.md"), "one");
  // A person has corrected ours.
  Put("report.md", "corrected");
  EXPECT_THAT(SaveDeliverables(blobs_, Ask("two")).failure()->message, HasSubstr("was changed since it was written"));
}

TEST_F(Deliverables, StayInTheirFolder) {
  for (const std::string path : {"../report.md", "/tmp/report.md", "a/../../b", ""}) {
    const auto refused = SaveDeliverables(blobs_, Ask("one", path));
    ASSERT_NE(refused.failure(), nullptr) << path;
    EXPECT_EQ(refused.failure()->type, "INVALID_INPUT");
  }
  fs::create_directories(dir_ / "out");
  fs::create_symlink(dir_ / "elsewhere.md", dir_ / "out" / "report.md");
  ASSERT_NE(SaveDeliverables(blobs_, Ask("one")).failure(), nullptr);
  EXPECT_FALSE(fs::exists(dir_ / "elsewhere.md"));
}

TEST_F(Deliverables, GoThroughABlobWhereTheyAreLong) {
  const std::string text(kMaxInlineDeliverable + 1, 'x');
  const auto file = MakeDeliverable(blobs_, "long/report.html", "html", text);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->text, "");
  SaveDeliverablesInput ask = Ask("");
  ask.files = {*file};
  ASSERT_TRUE(SaveDeliverables(blobs_, ask).has_value());
  EXPECT_EQ(Text("long/report.html"), text);
}

TEST(Answers, HaveTheirJsonWithOrWithoutAFence) {
  EXPECT_EQ(JsonOfAnswer("Here:\n```json\n{\"a\": [1]}\n```\n")->at("a").at(0), 1);
  EXPECT_FALSE(JsonOfAnswer("I cannot help with that.").has_value());
  EXPECT_FALSE(JsonOfAnswer("{\"a\": }").has_value());
}

}  // namespace
}  // namespace wfe::packaged
