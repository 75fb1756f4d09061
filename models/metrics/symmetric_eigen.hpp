#pragma once

#include <cstddef>
#include <vector>

/// What LAPACK makes of a symmetric (d, d) matrix, on one thread: the calling one. Matrices are row-major and
/// overwritten. Elements that are not finite throw Error, and so does a machine without OpenBLAS.
namespace duet::models {

/// All eigenvalues, in ascending order, of the matrix whose upper triangle is given (LAPACK's dsyevd).
std::vector<double> symmetric_eigenvalues(std::size_t d, double* matrix);

/// A factor of a matrix that has no negative eigenvalue, singular or not.
struct SymmetricFactor {
    std::size_t rank;
    std::vector<std::size_t> order;
};

/// Cholesky's factor with complete pivoting (dpstrf) of the matrix whose upper triangle is given: in its
/// first `rank` rows it leaves R, upper triangular with zeros below, such that element (order[i], order[j])
/// is (R^T R)_ij but for rounding: it ends where no diagonal element is left above d times the machine's
/// epsilon times the largest one, which is the precision that the elements have.
SymmetricFactor factor_symmetric(std::size_t d, double* matrix);

}  // namespace duet::models
