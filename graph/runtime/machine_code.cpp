#include <duet/graph/runtime/machine_code.hpp>

#include <cassert>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#if defined(DUET_XBYAK) && defined(__x86_64__) && defined(__unix__) && defined(__AVX2__) && defined(__BMI2__)
#define DUET_MACHINE_CODE
#include <xbyak/xbyak.h>

#include <duet/graph/runtime/register_placement.hpp>
#endif

namespace duet {

#ifdef DUET_MACHINE_CODE

namespace {

using Operation = VectorCode::Operation;

#if defined(__AVX512F__) && defined(__AVX512DQ__)
constexpr bool wide = true;
using Register = Xbyak::Zmm;
#else
constexpr bool wide = false;
using Register = Xbyak::Ymm;
#endif

constexpr int vector_bytes = wide ? 64 : 32;
/// Without mask registers two vector registers hold what they would: a condition and the lanes of a part.
constexpr int registers = wide ? 32 : 14;
constexpr int condition_register = 14, lanes_register = 15;
/// Broadcast values that stay in a register throughout.
constexpr int most_hoisted = wide ? 16 : 6;

alignas(32) constexpr std::uint32_t first_lanes[16] = {~0U, ~0U, ~0U, ~0U, ~0U, ~0U, ~0U, ~0U};

int predicate(VectorRelation relation) {
    switch (relation) {
        case VectorRelation::less:
            return 0x11;
        case VectorRelation::less_equal:
            return 0x12;
        case VectorRelation::greater:
            return 0x1e;
        case VectorRelation::greater_equal:
            return 0x1d;
        case VectorRelation::equal:
            return 0x00;
        case VectorRelation::not_equal:
            break;
    }
    return 0x04;
}

/// Writes functions of the System V calling convention: the addresses are in rdi, the count in rsi; the rows
/// left and the steps between them move to rbx and rbp. r11 is how many bytes of each array are done, r10 how
/// much of a vector comes next where that is not all of it.
class Writer final : public Xbyak::CodeGenerator {
 public:
    Writer() : CodeGenerator(Xbyak::DEFAULT_MAX_CODE_SIZE, Xbyak::AutoGrow) {}

    template <class T>
    std::size_t write(const VectorCode& code) {
        constexpr int element_shift = sizeof(T) == 4 ? 2 : 3;
        const RegisterPlacement placement(code, registers, most_hoisted);
        const int frame = static_cast<int>(placement.slots()) * vector_bytes;
        align(16);
        const std::size_t begin = getSize();
        endbr64();
        push(rbx);
        push(rbp);
        if (frame > 0) sub(rsp, frame);
        mov(rbx, rdx);
        mov(rbp, rcx);
        Xbyak::Label row, next, rest, part, done, end;
        shl(rsi, element_shift);
        L(row);
        fetch_pointers(code);
        for (const Placed& placed : placement.hoisted()) body_line<T>(code, placed, false);
        xor_(r11d, r11d);
        // A part of a vector first, so that the other stores are aligned.
        mov(r10, ptr[rdi + 8 * code.addresses_read()]);
        neg(r10);
        and_(r10d, vector_bytes - 1);
        cmp(r10, rsi);
        cmova(r10, rsi);
        sub(rsi, vector_bytes);
        test(r10, r10);
        jnz(part, T_NEAR);
        cmp(rsi, 0);
        jl(rest, T_NEAR);
        L(next);
        for (const Placed& placed : placement.body()) body_line<T>(code, placed, false);
        add(r11, vector_bytes);
        cmp(r11, rsi);
        jle(next, T_NEAR);
        L(rest);
        lea(r10, ptr[rsi + vector_bytes]);
        sub(r10, r11);
        jz(done, T_NEAR);
        L(part);
        select_lanes(element_shift);
        for (const Placed& placed : placement.body()) body_line<T>(code, placed, true);
        lea(r11, ptr[r11 + r10 * static_cast<int>(sizeof(T))]);
        cmp(r11, rsi);
        jle(next, T_NEAR);
        lea(rax, ptr[rsi + vector_bytes]);
        cmp(r11, rax);
        jne(rest, T_NEAR);
        L(done);
        dec(rbx);
        jz(end, T_NEAR);
        step_to_next_row(code);
        add(rsi, vector_bytes);
        jmp(row, T_NEAR);
        L(end);
        if (frame > 0) add(rsp, frame);
        pop(rbp);
        pop(rbx);
        vzeroupper();
        ret();
        return begin;
    }

 private:
    void step_to_next_row(const VectorCode& code) {
        for (std::size_t address = 0; address < code.addresses_read() + code.stored().size(); ++address) {
            mov(rax, ptr[rbp + 8 * address]);
            add(ptr[rdi + 8 * address], rax);
        }
    }

    /// Makes the lanes that r10 bytes fill the only ones to be read and written, and r10 their number.
    void select_lanes(int element_shift) {
        if constexpr (wide) {
            shr(r10d, element_shift);
            mov(eax, -1);
            bzhi(eax, eax, r10d);
            kmovw(k2, eax);
        } else {
            mov(rax, reinterpret_cast<std::size_t>(first_lanes + 8));
            sub(rax, r10);
            vmovups(Register(lanes_register), ptr[rax]);
            shr(r10d, element_shift);
        }
    }

    /// Pointers of what is read or written element by element get registers, as long as there are any.
    void fetch_pointers(const VectorCode& code) {
        pointer_of_.assign(code.addresses_read() + code.stored().size(), nullptr);
        std::size_t taken = 0;
        const auto fetch = [&](std::size_t address) {
            if (taken == pointers_.size()) return;
            pointer_of_[address] = &pointers_[taken++];
            mov(*pointer_of_[address], ptr[rdi + 8 * address]);
        };
        for (const VectorCode::Line& line : code.lines())
            if (line.operation == Operation::load) fetch(line.inputs[0]);
        for (std::size_t i = 0; i < code.stored().size(); ++i) fetch(code.addresses_read() + i);
    }

    Xbyak::Reg64 pointer(std::size_t address) {
        if (pointer_of_[address]) return *pointer_of_[address];
        mov(rax, ptr[rdi + 8 * address]);
        return rax;
    }

    using Binary = void (CodeGenerator::*)(const Xbyak::Xmm&, const Xbyak::Operand&, const Xbyak::Operand&);

    template <class T>
    static constexpr bool single = std::is_same_v<T, float>;

    template <class T>
    void binary(Binary for_float, Binary for_double, const Register& output, const Register& a,
                const Register& b) {
        (this->*(single<T> ? for_float : for_double))(output, a, b);
    }

    template <class T>
    void broadcast(const Register& output, const Xbyak::Address& from) {
        single<T> ? vbroadcastss(output, from) : vbroadcastsd(output, from);
    }

    template <class T>
    void load(const Register& output, std::size_t address, bool part) {
        const Xbyak::Address from = ptr[pointer(address) + r11];
        if (!part)
            vmovups(output, from);
        else if constexpr (wide)
            single<T> ? vmovups(output | k2 | T_z, from) : vmovupd(output | k2 | T_z, from);
        else
            single<T> ? vmaskmovps(output, Register(lanes_register), from)
                      : vmaskmovpd(output, Register(lanes_register), from);
    }

    template <class T>
    void store(const Register& value, std::size_t address, bool part) {
        const Xbyak::Address to = ptr[pointer(address) + r11];
        if (!part)
            vmovups(to, value);
        else if constexpr (wide)
            single<T> ? vmovups(to | k2, value) : vmovupd(to | k2, value);
        else
            single<T> ? vmaskmovps(to, Register(lanes_register), value)
                      : vmaskmovpd(to, Register(lanes_register), value);
    }

    template <class T>
    void choose(const Register& output, VectorRelation relation, const std::array<int, 4>& inputs) {
        const Register a(inputs[0]), b(inputs[1]), c(inputs[2]), d(inputs[3]);
        const auto holds = static_cast<std::uint8_t>(predicate(relation));
        if constexpr (wide) {
            single<T> ? vcmpps(k1, a, b, holds) : vcmppd(k1, a, b, holds);
            single<T> ? vblendmps(output | k1, d, c) : vblendmpd(output | k1, d, c);
        } else {
            const Register condition(condition_register);
            single<T> ? vcmpps(condition, a, b, holds) : vcmppd(condition, a, b, holds);
            single<T> ? vblendvps(output, d, c, condition) : vblendvpd(output, d, c, condition);
        }
    }

    template <class T>
    void body_line(const VectorCode& code, const Placed& placed, bool part) {
        const Register output(placed.output);
        const int slot = static_cast<int>(placed.index) * vector_bytes;
        switch (placed.kind) {
            case Placed::Kind::line:
                return compute<T>(code.lines()[placed.index], output, placed.inputs, part);
            case Placed::Kind::spill:
                return vmovups(ptr[rsp + slot], output);
            case Placed::Kind::reload:
                return vmovups(output, ptr[rsp + slot]);
            case Placed::Kind::store:
                return store<T>(output, code.addresses_read() + placed.index, part);
        }
    }

    template <class T>
    void compute(const VectorCode::Line& line, const Register& output, const std::array<int, 4>& inputs,
                 bool part) {
        using Code = CodeGenerator;
        const Register a(inputs[0]), b(inputs[1]);
        switch (line.operation) {
            case Operation::load:
                return load<T>(output, line.inputs[0], part);
            case Operation::broadcast:
                return broadcast<T>(output, ptr[pointer(line.inputs[0])]);
            case Operation::add:
                return binary<T>(&Code::vaddps, &Code::vaddpd, output, a, b);
            case Operation::subtract:
                return binary<T>(&Code::vsubps, &Code::vsubpd, output, a, b);
            case Operation::multiply:
                return binary<T>(&Code::vmulps, &Code::vmulpd, output, a, b);
            case Operation::divide:
                return binary<T>(&Code::vdivps, &Code::vdivpd, output, a, b);
            case Operation::minimum:
                return binary<T>(&Code::vminps, &Code::vminpd, output, a, b);
            case Operation::maximum:
                return binary<T>(&Code::vmaxps, &Code::vmaxpd, output, a, b);
            case Operation::square_root:
                return single<T> ? vsqrtps(output, a) : vsqrtpd(output, a);
            case Operation::exclusive_or:
                return binary<T>(&Code::vxorps, &Code::vxorpd, output, a, b);
            case Operation::and_not:
                return binary<T>(&Code::vandnps, &Code::vandnpd, output, a, b);
            case Operation::select:
                return choose<T>(output, line.relation, inputs);
        }
    }

    const std::array<Xbyak::Reg64, 4> pointers_ = {rcx, rdx, r8, r9};
    std::vector<const Xbyak::Reg64*> pointer_of_;
};

std::string key_of(const VectorCode& code, std::size_t element_bytes) {
    std::string key(1, static_cast<char>(element_bytes));
    const auto put = [&](std::uint32_t number) {
        key.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    put(static_cast<std::uint32_t>(code.lines().size()));
    for (const VectorCode::Line& line : code.lines()) {
        key += {static_cast<char>(line.operation), static_cast<char>(line.relation)};
        for (const std::uint32_t input : line.inputs) put(input);
    }
    for (const std::uint32_t line : code.stored()) put(line);
    return key;
}

/// Whether the system lets memory that was written be executed.
bool code_is_granted() {
    try {
        Xbyak::CodeGenerator probe(1, Xbyak::AutoGrow);
        probe.ret();
        probe.readyRE();
        return true;
    } catch (const Xbyak::Error&) {
        return false;
    }
}

}  // namespace

struct MachineCode::State {
    Writer writer;
    std::map<std::string, std::size_t> known;
    std::vector<std::size_t> begins;
    std::vector<Function> functions;
};

std::shared_ptr<MachineCode> MachineCode::create() {
    if (!code_is_granted()) return nullptr;
    return std::shared_ptr<MachineCode>(new MachineCode(std::make_unique<State>()));
}

template <class T>
std::size_t MachineCode::add(const VectorCode& code) {
    const auto [entry, fresh] = state_->known.try_emplace(key_of(code, sizeof(T)), state_->begins.size());
    if (fresh) state_->begins.push_back(state_->writer.write<T>(code));
    return entry->second;
}

void MachineCode::finish() {
    state_->writer.readyRE();
    for (const std::size_t begin : state_->begins)
        state_->functions.push_back(
            reinterpret_cast<Function>(reinterpret_cast<std::uintptr_t>(state_->writer.getCode()) + begin));
}

MachineCode::Function MachineCode::function(std::size_t number) const {
    return state_->functions[number];
}

#else

struct MachineCode::State {};

std::shared_ptr<MachineCode> MachineCode::create() {
    return nullptr;
}
template <class T>
std::size_t MachineCode::add(const VectorCode&) {
    return 0;
}
void MachineCode::finish() {}
MachineCode::Function MachineCode::function(std::size_t) const {
    return nullptr;
}

#endif

MachineCode::MachineCode(std::unique_ptr<State> state) : state_(std::move(state)) {}
MachineCode::~MachineCode() = default;

template std::size_t MachineCode::add<float>(const VectorCode&);
template std::size_t MachineCode::add<double>(const VectorCode&);

}  // namespace duet
