#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include <duet/models/networks/build.hpp>
#include <duet/models/networks/spectral_norm.hpp>

#include "../data/support.hpp"
#include "pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Fixture = SafetensorsOf<double>;

const Setting spectral{"spectral", {true}};

models::Network built(const std::vector<Spec>& layers, std::uint64_t seed = 0) {
    return models::build(models::standard_catalogue(), models::Network("net"), layers, seed);
}

Spec dense(std::size_t inputs, std::size_t outputs, bool bias = true) {
    return models::layer("dense", {{"inputs", inputs}, {"outputs", outputs}}, {spectral, {"bias", {bias}}});
}

Spec convolution(const char* kind, std::size_t inputs, std::size_t outputs) {
    return models::layer(
        kind, {{"inputs", inputs}, {"outputs", outputs}, {"kernel", 4}, {"stride", 2}, {"padding", 1}},
        {spectral});
}

models::Network perceptron() {
    return built(
        {dense(12, 10), models::layer("relu"), dense(10, 8, false), models::layer("relu"), dense(8, 1)});
}

models::Network convolutional() {
    return built({convolution("conv2d", 2, 4), models::layer("leaky-relu"),
                  convolution("conv-transpose2d", 4, 3), models::layer("leaky-relu"),
                  models::layer("reshape", {}, {{"extents", list_of_numbers({192})}}), dense(192, 1)});
}

std::vector<Variable> all_of(const models::Network& network) {
    std::vector<Variable> all = network.variables();
    all.insert(all.end(), network.statistics().begin(), network.statistics().end());
    return all;
}

const ArrayOf<double>& expected(const Fixture& fixture, const std::string& name) {
    const ArrayOf<double>* array = fixture.find(name);
    REQUIRE_MESSAGE(array, name);
    return *array;
}

/// Batch `step` of an array whose first axis counts batches, which are met in turn.
template <class T>
ArrayOf<T> of_step(const ArrayOf<double>& all, std::size_t step) {
    ArrayOf<T> part =
        filled(Shape(std::vector<std::size_t>(all.shape().begin() + 1, all.shape().end())), T(0));
    for (std::size_t i = 0; i < part.size(); ++i)
        part.data()[i] = static_cast<T>(all.data()[step % all.shape()[0] * part.size() + i]);
    return part;
}

template <class T>
void compare_steps(const models::Network& network, const std::string& name) {
    constexpr std::size_t steps = 50;
    constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-9;
    const Fixture fixture = read_safetensors_as<double>(testing::fixture("spectral"));
    for (const Variable& variable : all_of(network))
        variable.assign(converted<float>(expected(fixture, name + "/initial/" + variable.name())));
    const ArrayOf<double>&images = expected(fixture, name + "/images"),
          &signs = expected(fixture, name + "/signs");

    Graph graph;
    const Tensor x = graph.input("images", shape_of(of_step<T>(images, 0))),
                 sign = graph.input("signs", shape_of(of_step<T>(signs, 0)));
    const GradientTape tape(graph);
    const Tensor loss = mean(softplus(-sign * network(x)));
    Sgd sgd("sgd", {0.1});
    auto program = compile<T>(graph, {loss}, {sgd.apply(tape.gradient(loss, network.variables()))});
    for (std::size_t step = 1; step <= steps; ++step) {
        const ArrayOf<T> fed = of_step<T>(images, step - 1), signed_as = of_step<T>(signs, step - 1);
        program.run({{x, fed}, {sign, signed_as}});
        if (step > 1 && step < steps) continue;
        for (const Variable& variable : all_of(network)) {
            CAPTURE(variable.name());
            const std::string of = name + "/step" + std::to_string(step) + "/" + variable.name();
            CHECK(relative_error(program.value(variable), expected(fixture, of)) < tolerance);
        }
    }
    Graph evaluation;
    const Tensor y = evaluation.input("images", x.shape());
    auto scores = compile<T>(evaluation, {network(y, models::Mode::inference)});
    const ArrayOf<T> first = of_step<T>(images, 0);
    CHECK(relative_error(scores.run({{y, first}}).front(), expected(fixture, name + "/scores")) < tolerance);
}

double norm(const std::vector<double>& x) {
    double squares = 0;
    for (const double each : x) squares += each * each;
    return std::sqrt(squares);
}

/// The largest singular value of a matrix.
double spectral_norm(const Array& matrix) {
    const std::size_t rows = matrix.shape()[0], columns = matrix.shape()[1];
    std::vector<double> v(columns, 1.0);
    double sigma = 0;
    for (int i = 0; i < 2000; ++i) {
        std::vector<double> u(rows, 0.0), next(columns, 0.0);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) u[r] += matrix(r, c) * v[c];
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) next[c] += matrix(r, c) * u[r] / norm(u);
        sigma = norm(next);
        for (std::size_t c = 0; c < columns; ++c) v[c] = next[c] / sigma;
    }
    return sigma;
}

/// What a dense layer without bias multiplies with in inference.
Array weight_in_use(const models::Network& network, std::size_t inputs) {
    Graph graph;
    const Tensor x = graph.input("x", {inputs, inputs});
    Array ones = filled(Shape{inputs, inputs}, 0.0F);
    for (std::size_t i = 0; i < inputs; ++i) ones(i, i) = 1.0F;
    auto program = compile<float>(graph, {network(x, models::Mode::inference)});
    return program.run({{x, ones}}).front();
}

const Settings settings{"batch=16", "penalties=[{kind=\"r1\"}]",
                        "networks.discriminator.normalization=\"spectral\""};

std::shared_ptr<const Dataset> digits() {
    return std::make_shared<Dataset>(load_images(std::string(DUET_SOURCE_DIR) + "/data/mnist", Split::train));
}

}  // namespace

TEST_CASE_TEMPLATE("spectrally normalised discriminators train for 50 steps as PyTorch's", T, float, double) {
    compare_steps<T>(perceptron(), "mlp");
    compare_steps<T>(convolutional(), "convolutional");
}

TEST_CASE("the vectors are named as PyTorch's, and start near the largest singular value") {
    const models::Network network = built({dense(20, 30, false)}, 3);
    REQUIRE(network.statistics().size() == 2);
    const Variable &u = network.statistics()[0], &v = network.statistics()[1];
    CHECK(u.name() == "net.0.weight_u");
    CHECK(v.name() == "net.0.weight_v");
    CHECK(u.shape() == Shape{30});
    CHECK(v.shape() == Shape{20});
    CHECK(spectral_norm(weight_in_use(network, 20)) == doctest::Approx(1.0).epsilon(0.01));
    CHECK_FALSE(same_bits(u.value(), built({dense(20, 30, false)}, 4).statistics()[0].value()));
    // What weights are loaded before the vectors are first read decides them.
    const models::Network other = built({dense(20, 30, false)}, 4);
    other.variables()[0].assign(network.variables()[0].value());
    CHECK(spectral_norm(weight_in_use(other, 20)) == doctest::Approx(1.0).epsilon(0.01));
    CHECK(built({models::layer("dense", {{"inputs", 2}, {"outputs", 2}})}).statistics().empty());
}

TEST_CASE("a network that is trained keeps a spectral norm of one") {
    const models::Network network = built({dense(20, 30, false)}, 3);
    Graph graph;
    const Tensor x = random_normal(graph, "x", {16, 20});
    const GradientTape tape(graph);
    const Tensor loss = mean(square(network(x) - 1.0));
    Sgd sgd("sgd", {0.05});
    auto program = compile<float>(graph, {loss}, {sgd.apply(tape.gradient(loss, network.variables()))});
    for (std::uint64_t step = 0; step < 100; ++step) program.run({}, step);
    CHECK(spectral_norm(network.variables()[0].value()) > 1.1);
    CHECK(spectral_norm(weight_in_use(network, 20)) == doctest::Approx(1.0).epsilon(0.02));
}

TEST_CASE("gradients lead through the spectral norm to the weight, to second order") {
    const auto check = [](const Shape& shape, std::size_t axis) {
        const std::size_t rows = shape[axis], columns = shape.elements() / rows;
        const auto report = check_gradients(
            [axis](Graph&, const std::vector<Tensor>& in) {
                return models::over_spectral_norm(in[0], stop_gradient(in[1]), stop_gradient(in[2]), axis);
            },
            {shape, {rows}, {columns}}, 0.3, 1.0);
        CHECK_MESSAGE(report.passed, report.message);
        CHECK(report.comparisons == 2);
    };
    check({3, 4}, 0);
    check({4, 2, 3, 3}, 0);
    check({4, 2, 3, 3}, 1);
    Graph graph;
    const Tensor weight = graph.input("weight", {3, 4}), u = graph.input("u", {3}), v = graph.input("v", {4});
    CHECK_THROWS_AS(models::over_spectral_norm(weight, v, u), ShapeError);
}

TEST_CASE("R1 through a spectrally normalised discriminator has gradients") {
    const auto report = check_gradients(
        [](Graph& graph, const std::vector<Tensor>& in) {
            const GradientTape tape(graph);
            const auto weight = [&](std::size_t i) {
                return models::over_spectral_norm(in[i], stop_gradient(in[i + 1]), stop_gradient(in[i + 2]));
            };
            const Tensor score = matmul(tanh(matmul(in[0], weight(1), false, true)), weight(4), false, true);
            return models::r1(tape, score, in[0], 1.0);
        },
        {{5, 4}, {3, 4}, {3}, {4}, {1, 3}, {1}, {3}}, 0.2, 1.0, {.order = 1});
    CHECK_MESSAGE(report.passed, report.message);
    CHECK(report.comparisons == 3);
}

TEST_CASE("the vectors move once a program that trains the network, however often it is called") {
    const auto vectors_after = [](int calls, bool trains) {
        const models::Network network = perceptron();
        Graph graph;
        const Tensor x = graph.input("x", {2, 12});
        const GradientTape tape(graph);
        Tensor loss = mean(network(x));
        for (int i = 1; i < calls; ++i) loss = loss + mean(network(-1.0 * x));
        Sgd sgd("sgd", {1e-3});
        std::vector<Updates> updates;
        if (trains) updates.push_back(sgd.apply(tape.gradient(loss, network.variables())));
        auto program = compile<float>(graph, {loss}, updates);
        program.run({{x, filled(Shape{2, 12}, 0.5F)}});
        return values_of(network.statistics());
    };
    const std::vector<Array> before = values_of(perceptron().statistics()), once = vectors_after(1, true);
    CHECK(all_same_bits(before, vectors_after(2, false)));
    CHECK_FALSE(all_same_bits(before, once));
    CHECK(all_same_bits(once, vectors_after(2, true)));
    CHECK(all_same_bits(once, vectors_after(3, true)));
}

TEST_CASE("all calls of a program use the vectors of its one iteration; inference the stored ones") {
    const models::Network network = perceptron();
    for (const Variable& vector : network.statistics()) vector.fill(0.5F);
    Graph graph;
    const Tensor x = graph.input("x", {2, 12});
    auto program = compile<float>(graph, {network(x), network(x), network(x, models::Mode::inference)});
    program.run({{x, filled(Shape{2, 12}, 0.5F)}});
    CHECK(same_bits(program[0], program[1]));
    CHECK_FALSE(same_bits(program[0], program[2]));
    for (const Variable& vector : network.statistics()) CHECK(vector.value() == filled(vector.shape(), 0.5F));
}

TEST_CASE("a training with spectral normalisation ends in the same bits on any number of threads") {
    const auto trained = [](const Pair& pair, std::size_t threads) {
        const models::Model model = models::model_of(models::standard_catalogue(), recipe_of(pair, settings));
        CHECK_FALSE(model.discriminator().statistics().empty());
        models::Trainer trainer = gan_trainer(model, pair, settings, digits(), {.threads = threads});
        for (int i = 0; i < 3; ++i) trainer.step();
        return values_of(trainer.state().variables());
    };
    for (const Pair& pair : {Pair{}, Pair{{16, 16, 8}, {8, 16}, 28, 28, 1, "dcgan"}}) {
        CAPTURE(pair.model);
        CHECK(all_same_bits(trained(pair, 1), trained(pair, 3)));
    }
}

TEST_CASE("networks with spectral normalisation are saved with their vectors, loaded and exported") {
    const Pair pair{{16, 16, 8}, {8, 16}, 8, 8, 1, "dcgan"};
    const Spec recipe = recipe_of(pair, settings);
    const models::Model model = models::model_of(models::standard_catalogue(), recipe);
    const Variable vector = model.discriminator().statistics()[0];
    vector.fill(0.25F);
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "weights.safetensors";
    models::save_weights(model, models::model_layer(recipe), {}, path);
    const models::Model loaded = load_pair(read_safetensors(path), path);
    CHECK(all_same_bits(values_of(model.variables()), values_of(loaded.variables())));
    CHECK(loaded.discriminator().statistics()[0].value() == vector.value());
    CHECK_FALSE(models::encode_onnx(loaded, models::model_layer(recipe), "discriminator", {}).empty());
}

TEST_CASE("a spectrally normalised discriminator may score further images") {
    const Pair pair{{16, 16, 8}, {8, 16}, 28, 28, 1, "dcgan"};
    const auto step = [&](const std::string& normalization) {
        const Settings penalized{"batch=4", "penalties=[{kind=\"gp\"}]",
                                 "networks.discriminator.normalization=" + normalization};
        const models::Model model =
            models::model_of(models::standard_catalogue(), recipe_of(pair, penalized));
        models::Trainer trainer = gan_trainer(model, pair, penalized, digits());
        trainer.step();
    };
    CHECK_NOTHROW(step("spectral"));
    CHECK_THROWS_AS(step("batch"), Error);
}
