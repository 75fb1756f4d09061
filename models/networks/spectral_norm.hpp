#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <duet/graph/variable.hpp>
#include <duet/models/networks/network.hpp>

namespace duet::models {

/// `weight` as a matrix of a row for each of its extents along `axis`, divided by sigma = u^T W v; its
/// gradient is Miyato et al. 2018, equation 12: u of shape (rows) and v (columns) have none. Throws
/// ShapeError for vectors that do not fit the matrix.
Tensor over_spectral_norm(const Tensor& weight, const Tensor& u, const Tensor& v, std::size_t axis = 0);

/// The weight of a layer: a variable as it is, or divided by an estimate of its largest singular value
/// (spectral normalisation, Miyato et al. 2018, algorithm 1), computed in the order of
/// torch.nn.utils.parametrizations.spectral_norm.
///
/// The estimate is u^T W v of two statistics, "<weight>_u" and "<weight>_v", as torch.nn.utils.spectral_norm
/// names them. A training call begins with one power iteration, u = W v / |W v|, then v = W^T u / |W^T u|,
/// norms of at least 1e-12; all training calls of a program share it, and programs that train the network
/// store it. An inference call uses the stored vectors. They start from normals that `seed` and their names
/// decide, after 15 iterations with the weight as it is when they are first read.
class Weight {
 public:
    /// `axis` is that of the outputs: 0, or 1 of a transposed convolution.
    Weight(Variable weight, bool spectral, std::uint64_t seed, std::size_t axis = 0);

    Tensor operator()(Graph& graph, const Call& call) const;

    /// Both vectors, or none.
    const std::vector<Variable>& statistics() const { return vectors_; }

 private:
    Variable weight_;
    std::size_t axis_;
    std::vector<Variable> vectors_;
};

/// Whether a variable of that name is one of the two vectors of a weight.
bool is_power_vector(const std::string& variable);

}  // namespace duet::models
