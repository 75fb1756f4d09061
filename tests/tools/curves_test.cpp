#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../../tools/curves.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using namespace duet::tools;

namespace fs = std::filesystem;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::string error_of(std::string_view text) {
    return file_error_of([&] { parse_metrics(text, "metrics.csv"); });
}

/// Notes what is drawn.
struct Notes : Canvas {
    void rectangle(Point, double, double, Color) override {}
    void line(std::span<const Point> points, double, Color color, double) override {
        lines.push_back({{points.begin(), points.end()}, color});
    }
    void text(Point, Anchor, std::string_view text, Color) override { texts.emplace(text); }
    void text_upwards(Point, std::string_view text, Color) override { texts.emplace(text); }

    /// How many pieces were drawn in the first curve's colour, without the stroke in the legend.
    std::size_t pieces() const {
        return static_cast<std::size_t>(
                   std::count_if(lines.begin(), lines.end(),
                                 [](const auto& line) { return line.second == curve_color(0); })) -
               1;
    }

    std::vector<std::pair<std::vector<Point>, Color>> lines;
    std::set<std::string> texts;
};

Notes drawn(const std::vector<double>& y) {
    Curve curve{"loss", {}, y, curve_color(0)};
    for (std::size_t i = 0; i < y.size(); ++i) curve.x.push_back(static_cast<double>(i));
    Notes notes;
    draw({"a run", "step", "loss", {curve}}, notes);
    return notes;
}

std::string tick_texts(double low, double high) {
    std::vector<std::string> texts;
    const std::vector<double> ticks = round_ticks(low, high, 6);
    for (const double tick : ticks) texts.push_back(tick_text(tick, ticks[1] - ticks[0]));
    return fmt::format("{}", fmt::join(texts, " "));
}

}  // namespace

TEST_CASE("metrics come back from their file") {
    const MetricsTable table =
        parse_metrics("step,epoch,a_loss\n1,0.5,-1e-3\n2,,nan\r\n3,inf,-inf\n\n4,1e999,1e-999\n5,1.", "m");
    CHECK(table.names == std::vector<std::string>{"step", "epoch", "a_loss"});
    REQUIRE(table.rows() == 4);
    CHECK(*table.find("step") == std::vector<double>{1, 2, 3, 4});
    CHECK(std::isnan((*table.find("epoch"))[1]));
    CHECK(std::isnan((*table.find("a_loss"))[1]));
    CHECK((*table.find("epoch"))[2] == infinity);
    CHECK((*table.find("a_loss"))[2] == -infinity);
    CHECK((*table.find("epoch"))[3] == infinity);
    CHECK((*table.find("a_loss"))[3] == 0);
    CHECK(table.find("b") == nullptr);
    CHECK(parse_metrics("step\n", "m").rows() == 0);
}

TEST_CASE("metrics that are none name file and line") {
    CHECK(contains(error_of(""), "metrics.csv: no line"));
    CHECK(contains(error_of("step,a"), "metrics.csv: no line"));
    CHECK(contains(error_of("step,a\n1,2\n1,x\n"), "metrics.csv:3: \"x\" is not a number"));
    CHECK(contains(error_of("step,a\n1,2,3\n"), "metrics.csv:2: 3 numbers, expected 2"));
    CHECK(contains(error_of("step,a\n1\n"), "metrics.csv:2: 1 numbers, expected 2"));
    CHECK(contains(error_of("step,a\n1, 2\n"), "is not a number"));
    CHECK(contains(error_of("step,step\n"), "metrics.csv:1: two columns are called \"step\""));
    CHECK(contains(error_of("step,\n"), "metrics.csv:1: \"\" is no name"));
    CHECK(contains(error_of("step,\x01\n"), "is no name"));
    CHECK(contains(error_of(std::string(101, 'a') + "\n"), "is no name"));
    CHECK(contains(error_of(std::string(1000, ',') + "\n"), "1001 columns, expected at most 1000"));
    CHECK(contains(file_error_of([] { read_metrics("/nowhere/metrics.csv"); }), "/nowhere/metrics.csv"));
    const std::string text = "step,epoch,a_loss\n1,0.5,-1e-3\n2,0.25,nan\n300,inf,7\n";
    CHECK(refused_mutations(Bytes(text.begin(), text.end()), 5000, 3, [](auto bytes) {
              parse_metrics({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "m");
          }) > 1000);
}

TEST_CASE("ticks stand at round numbers") {
    CHECK(tick_texts(0, 20'000) == "0 5000 10000 15000 20000");
    CHECK(tick_texts(-0.04, 1.3) == "0.0 0.5 1.0");
    CHECK(tick_texts(0.693, 0.695) == "0.6930 0.6935 0.6940 0.6945 0.6950");
    CHECK(tick_texts(-120, 130) == "-100 -50 0 50 100");
    CHECK(tick_texts(0, 1'000'000) == "0 200k 400k 600k 800k 1000k");
    CHECK(tick_texts(0, 5e9) == "0 1000M 2000M 3000M 4000M 5000M");
    CHECK(tick_texts(0, 1e-7) == "0 2e-08 4e-08 6e-08 8e-08 1e-07");
    CHECK(tick_texts(1, 1).empty());
    CHECK(tick_texts(2, 1).empty());
    CHECK(round_ticks(0, infinity, 5).empty());
    CHECK(round_ticks(not_a_number, 1, 5).empty());
    for (double low = -1e3; low < 1e3; low += 77.7)
        for (double range = 1e-6; range < 1e12; range *= 3.7) {
            const std::vector<double> ticks = round_ticks(low, low + range, 6);
            CAPTURE(low);
            CAPTURE(range);
            CHECK(ticks.size() >= 2);
            CHECK(ticks.size() <= 6);
            CHECK(ticks.front() >= low - range * 1e-6 - 1e-9);
            CHECK(ticks.back() <= low + range * (1 + 1e-6) + 1e-9);
        }
}

TEST_CASE("curves have gaps where values are not finite, and stay within the axes") {
    CHECK(drawn({1, 2, 3, 2}).pieces() == 1);
    CHECK(drawn({1, 2, not_a_number, 3, infinity, infinity, 2, 1}).pieces() == 3);
    CHECK(drawn({not_a_number, 1, not_a_number}).pieces() == 1);  // a dot
    for (const std::vector<double>& none : {std::vector<double>{}, {not_a_number}, {infinity, -infinity}})
        CHECK(drawn(none).pieces() == 0);
    for (const std::vector<double>& flat : {std::vector<double>{5}, {5, 5}, {0, 0}, {1e300, -1e300}}) {
        const Notes notes = drawn(flat);
        CHECK(notes.pieces() == 1);
        for (const auto& line : notes.lines)
            for (const Point& point : line.first) {
                CHECK(std::isfinite(point.x));
                CHECK(std::isfinite(point.y));
            }
    }
    std::vector<double> values;
    for (int i = 0; i < 1000; ++i) values.push_back(i % 7);
    values[500] = 1e12;
    const Notes notes = drawn(values);
    CHECK(notes.texts.contains("step"));
    CHECK(notes.texts.contains("loss"));
    CHECK(notes.texts.contains("a run"));
    CHECK(notes.texts.contains("200"));
    CHECK(notes.texts.contains("6"));  // the one value does not flatten the others
    CHECK(notes.pieces() == 2);
    double top = infinity, bottom = -infinity;
    for (const auto& line : notes.lines)
        for (const Point& point : line.first) {
            top = std::min(top, point.y);
            bottom = std::max(bottom, point.y);
            CHECK(point.x <= static_cast<double>(chart_width));
        }
    CHECK(top >= 0);
    CHECK(bottom <= static_cast<double>(chart_height({"a run", "step", "loss", {{"loss", {}, {}}}})));

    // However many rows there are, a pixel has four points at most.
    std::vector<double> many(300'000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i * 7919 % 1000);
    std::size_t points = 0;
    for (const auto& line : drawn(many).lines) points += line.first.size();
    CHECK(points < 4 * chart_width + 200);
}

TEST_CASE("a chart of runs") {
    const MetricsTable table =
        parse_metrics("step,discriminator_loss,r1,generator_loss\n1,1,5,2\n2,4,5,3\n3,1,5,9\n", "m");
    const std::vector<PlottedRun> one = {{"first", table}}, two = {{"first", table}, {"second", table}};
    Chart chart = chart_of(one);
    REQUIRE(chart.curves.size() == 2);
    CHECK(chart.title == "first");
    CHECK(chart.curves[0].name == "discriminator_loss");
    CHECK(chart.curves[1].y == std::vector<double>{2, 3, 9});
    CHECK(chart.curves[0].color != chart.curves[1].color);
    CHECK(chart_of(two).curves.size() == 4);
    CHECK(chart_of(two).curves[3].name == "second generator_loss");
    CHECK(chart_of(two, {"r1"}).curves[1].name == "second");
    CHECK(chart_of(two, {"r1"}).y_label == "r1");
    chart = chart_of(one, {"discriminator_loss"}, 3);
    REQUIRE(chart.curves.size() == 2);
    CHECK(chart.curves[0].y == std::vector<double>{1, 4, 1});
    CHECK(chart.curves[0].name.empty());
    CHECK(chart.curves[1].y == std::vector<double>{2.5, 2, 2.5});

    // Longer runs are smoothed unasked; one value spoils what is around it and no more.
    std::string text = "step,a_loss\n";
    for (int i = 1; i <= 1000; ++i)
        text += fmt::format("{},{}\n", i, i == 500 ? "1e300" : i == 700 ? "nan" : i % 2 == 0 ? "1" : "3");
    const PlottedRun long_run{"long", parse_metrics(text, "m")};
    const Chart smooth = chart_of({&long_run, 1}), rough = chart_of({&long_run, 1}, {}, 1);
    REQUIRE(smooth.curves.size() == 2);
    CHECK(rough.curves.size() == 1);
    for (std::size_t i = 0; i < 1000; ++i) {
        CAPTURE(i);
        const double mean = smooth.curves[1].y[i];
        if (i == 699)
            CHECK(std::isnan(mean));
        else if (i + 10 < 499 || i > 499 + 10)
            CHECK(std::abs(mean - 2) < (i < 10 || i > 980 ? 0.2 : 0.12));
    }
    CHECK_FALSE(smooth.curves[1].spans);
    for (std::size_t count = 2; count < 30; ++count) {
        const Chart chart_of_count = chart_of(one, {"generator_loss"}, count);
        const std::vector<double>& means = chart_of_count.curves[1].y;
        CHECK(means[1] == doctest::Approx(count == 2 ? 6 : 14 / 3.0));
        CHECK(means[0] == doctest::Approx(count < 4 ? 2.5 : 14 / 3.0));
    }
    const auto refused = [&](const std::vector<std::string>& metrics, const char* message) {
        try {
            chart_of(two, metrics);
            CHECK(false);
        } catch (const Error& error) {
            CHECK(contains(error.what(), message));
        }
    };
    refused({"r2"}, "first: no metric is called \"r2\"; did you mean r1?");
    refused(std::vector<std::string>(21, "r1"), "at most 40 curves");
    const PlottedRun bare{"bare", parse_metrics("step,r1\n", "m")};
    CHECK_THROWS_AS(chart_of({&bare, 1}), Error);
}

TEST_CASE("a line is drawn where it is") {
    PictureCanvas canvas(10, 10);
    const std::vector<Point> line = {{2.5, 2.5}, {7.5, 2.5}, {7.5, 6.5}};
    canvas.line(line, 1, {0, 0, 0}, 1);
    const Image& picture = canvas.picture();
    const auto at = [&](std::size_t x, std::size_t y) { return picture.pixels[3 * (10 * y + x)]; };
    for (std::size_t x = 2; x <= 7; ++x) CHECK(at(x, 2) == 0);
    for (std::size_t y = 2; y <= 6; ++y) CHECK(at(7, y) == 0);
    CHECK(at(4, 4) == 255);
    CHECK(at(9, 9) == 255);
    const std::vector<Point> far = {{-1e6, 5}, {1e6, 5}};
    canvas.line(far, 1, {0, 0, 0}, 0.5);
    CHECK(at(0, 4) == at(9, 4));
}

TEST_CASE("duet plot draws the losses of runs") {
    const TemporaryFolder folder;
    const fs::path first = folder.path() / "a<b>&c", second = folder.path() / "second";
    for (const fs::path& run : {first, second}) {
        fs::create_directories(run);
        std::string text = "step,discriminator_loss,generator_loss\n";
        for (int i = 1; i <= 50; ++i)
            text += fmt::format("{},{},{}\n", 100 * i, 1.0 / i, i == 20 ? not_a_number : std::sqrt(i));
        write_bytes(run / "metrics.csv", Bytes(text.begin(), text.end()));
    }
    const Outcome outcome = duet_command({"plot", first});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const Image picture = read_png(first / "curves.png");
    CHECK(picture.width == chart_width);
    const MetricsTable metrics = read_metrics(first / "metrics.csv");
    CHECK(picture.pixels == curves_of(metrics, first.string()).pixels);
    CHECK(duet_command({"plot", first, second}).code == 2);
    const fs::path svg = folder.path() / "both.svg", png = folder.path() / "both.png";
    REQUIRE(duet_command({"plot", first, second, "--smooth", "5", "--out", svg}).code == 0);
    const std::string text = text_of(svg);
    CHECK(text.starts_with("<svg "));
    CHECK(contains(text, "a&lt;b&gt;&amp;c discriminator_loss</text>"));
    CHECK(contains(text, ">step</text>"));
    CHECK(contains(text, ">5000</text>"));
    CHECK_FALSE(contains(text, "nan,"));
    REQUIRE(duet_command({"plot", first, second, "--metric", "generator_loss", "--out", png}).code == 0);
    CHECK(read_png(png).height < read_png(png).width);
    const auto refused = [&](const std::vector<std::string>& arguments, const std::string& message) {
        const Outcome bad = duet_command(arguments);
        CHECK(bad.code == 2);
        CHECK(is_error_line(bad.err));
        CHECK(contains(bad.err, message));
    };
    refused({"plot", first, "--metric", "generator_los"}, "did you mean generator_loss?");
    refused({"plot", first, "--out", folder.path() / "x.jpg"}, "must end in .png or .svg");
    refused({"plot", folder.path() / "missing"}, "missing");
    refused({"plot"}, "runs");
    write_bytes(first / "metrics.csv", {'s', 't', 'e', 'p', '\n', 'x', '\n'});
    refused({"plot", first}, "metrics.csv:2: ");
}
