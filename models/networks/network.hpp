#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/models/networks/initializer.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/convolution.hpp>

namespace duet::models {

/// What batch normalisation does: `training` normalises by the batch at hand and declares the next running
/// statistics, `inference` normalises by the running statistics as they are.
enum class Mode { training, inference };

/// What a network tells its layers in one call.
struct Call {
    Mode mode;
    /// The class of each sample, (batch), as whole numbers; empty in networks without conditional layers.
    Tensor labels;
    /// The parameters of the whole network: training any of them obliges the update of its statistics.
    std::span<const Variable> parameters;
};

/// A square two-dimensional convolution.
struct ConvolutionLayer {
    std::size_t inputs, outputs;  ///< channels
    std::size_t kernel;           ///< its height and width
    Convolution2d how = {};
    bool bias = true;
    bool spectral = false;  ///< whether its weight is divided by its spectral norm (see Weight)
};

/// Batch normalisation (Ioffe and Szegedy 2015) with PyTorch's defaults.
struct BatchNormLayer {
    std::size_t channels;
    double epsilon = 1e-5;
    /// The weight of the newest batch in the running statistics.
    double momentum = 0.1;
    /// The standard deviation of the initial scales around 1, and of the shifts of classes around 0.
    double scale_deviation = 0.0;
    /// Above zero, each class has a scale and a shift of its own: conditional batch normalisation of
    /// Dumoulin et al. 2017, as in the generators of Miyato and Koyama 2018.
    std::size_t classes = 0;
};

/// What a layer does in training beside computing a function of each sample.
struct LayerTraits {
    bool mixes_samples = false;  ///< what it makes of a sample depends on the others of its batch
    bool draws = false;          ///< it draws random numbers
};

/// A chain of layers with the variables they share between all the graphs they are called in. Layers are
/// numbered as torch.nn.Sequential numbers them, activations counted, so that variables carry the same names
/// there: "<network>.<position>.weight" and so on. Initial values depend on `seed` and the name alone; biases
/// are zero. Sizes of zero, or larger than memory, are a ShapeError where the layer is added.
class Network {
 public:
    using Layer = std::function<Tensor(const Tensor&, const Call&)>;

    explicit Network(std::string name) : name_(std::move(name)) {}

    /// Appends a layer that has these parameters and running statistics.
    void add(Layer layer, const std::vector<Variable>& parameters = {},
             const std::vector<Variable>& statistics = {}, const LayerTraits& traits = {});
    void add(const Activation& activation);
    /// x W^T + b, W of shape (outputs, inputs), b (outputs). If `spectral`, W is divided by its spectral norm
    /// (see Weight), as in the layers below.
    void add_dense(std::size_t inputs, std::size_t outputs, const Initializer& initializer,
                   std::uint64_t seed, bool bias = true, bool spectral = false, Where where = {});
    /// conv2d with a weight of shape (outputs, inputs / groups, kernel, kernel), and a bias (outputs).
    void add_conv2d(const ConvolutionLayer& sizes, const Initializer& initializer, std::uint64_t seed,
                    Where where = {});
    /// conv_transpose2d with a weight of shape (inputs, outputs / groups, kernel, kernel), and a bias.
    void add_conv_transpose2d(const ConvolutionLayer& sizes, const Initializer& initializer,
                              std::uint64_t seed, Where where = {});
    /// Batch normalisation of (batch, channels) or (batch, channels, height, width): "weight" of ones and
    /// "bias", of shape (channels), or (classes, channels); "running_mean" of zeros and "running_var" of
    /// ones, which average means and unbiased variances. PyTorch's num_batches_tracked is not kept: it
    /// decides nothing where the momentum is a number, and load_state_dict makes it zero. Throws Error for an
    /// epsilon or deviation that is negative or not finite, and for a momentum outside [0, 1]; a training
    /// call throws ShapeError for a single value a channel.
    void add_batch_norm(const BatchNormLayer& how, std::uint64_t seed, Where where = {});
    /// Dropout of this share of the elements in training, x itself in inference (see duet::dropout). The
    /// random node is named after the layer, those of further calls in a graph also after their number.
    /// Throws Error for a share outside [0, 1].
    void add_dropout(double share, Where where = {});
    /// (batch, ...) to (batch, extents...) of as many elements.
    void add_reshape(const std::vector<std::size_t>& extents, Where where = {});
    /// x -> main(x) + shortcut(x), whose variables carry their own networks' names; an empty shortcut is x.
    void add_residual(const Network& main, const Network& shortcut);
    /// The score of Miyato and Koyama 2018, equation 3, (batch, 1): x W^T + b + <row `label` of E, x>, with
    /// "embedding" E of shape (classes, inputs). If `spectral`, W and E are divided by theirs.
    void add_projection(std::size_t inputs, std::size_t classes, const Initializer& initializer,
                        std::uint64_t seed, bool spectral = false, Where where = {});

    /// Appends the layers' nodes to the graph of `x`; they carry the caller's line. In training a second call
    /// in the same graph continues the running statistics of the first. Throws Error if a conditional layer
    /// is given no labels, and ShapeError for labels of another shape than (batch).
    Tensor operator()(Operand x, Mode mode = Mode::training, const Tensor& labels = {}) const;

    const std::string& name() const { return name_; }
    /// "<network>.<position>" of the layer that is added next.
    std::string next_name() const;
    /// An empty network for a part of that layer, "<network>.<position>.<part>".
    Network part(const std::string& name) const;
    /// The parameters, which gradients train.
    const std::vector<Variable>& variables() const { return variables_; }
    /// The running statistics and the vectors of spectral norms, which training calls move in the programs
    /// that train the parameters.
    const std::vector<Variable>& statistics() const { return statistics_; }
    /// Whether, in training, what some layer makes of a sample depends on the others of its batch, as that of
    /// batch normalisation does.
    bool mixes_samples() const { return traits_.mixes_samples; }
    /// Whether some layer draws random numbers in training, as dropout does.
    bool draws() const { return traits_.draws; }

 private:
    Tensor apply_layers(Tensor value, const Call& call) const;

    std::string name_;
    std::vector<Layer> layers_;
    std::vector<Variable> variables_;
    std::vector<Variable> statistics_;
    LayerTraits traits_;
};

/// x W^T + b: x of shape (batch, inputs), weight (outputs, inputs), bias (outputs). Throws ShapeError for
/// other shapes.
Tensor dense(Operand x, const Variable& weight, const Variable& bias);

/// A multilayer perceptron: dense layers of these widths, `hidden` after each but the last, `output` after
/// the last. Weights Glorot-uniform unless said otherwise, biases zero. Throws Error for fewer than two
/// widths or a width of zero.
Network mlp(std::string name, const std::vector<std::size_t>& widths, const Activation& hidden,
            const Activation& output, std::uint64_t seed, const Initializer& initializer = {},
            Where where = {});

}  // namespace duet::models
