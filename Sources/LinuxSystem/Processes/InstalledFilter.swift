internal import CLinux
internal import Glibc
public import SystemPackage

extension SeccompFilter {
    /// The most instructions that the kernel takes in one filter (`BPF_MAXINSNS`).
    private static let mostInstructions = 4096

    /// The filters of a process, the last installed first. The process is stopped for a moment.
    ///
    /// - Throws: `Errno.permissionDenied` without `CAP_SYS_ADMIN` in the first user namespace, and
    ///   for a caller that has a filter itself; `Errno.timedOut` for a process that does not stop.
    ///
    /// The corresponding C function is `ptrace` with `PTRACE_SEIZE`, `PTRACE_INTERRUPT` and
    /// `PTRACE_SECCOMP_GET_FILTER`.
    public static func installed(in pid: Int32) throws(Errno) -> [SeccompFilter] {
        // In a process of its own: where it ends, for whatever reason, the other one goes on.
        let outcome = try ForkedProcess.run(within: 2_000_000_000) {
            var told: [UInt8] = []
            let signal = clinux_seize(pid)
            if signal < 0 { return [UInt8(clamping: errno)] }
            defer { clinux_let_go(pid, signal) }
            var buffer = [UInt8](repeating: 0, count: mostInstructions * 8)
            for index in 0..<64 as Range<UInt32> {
                let count = unsafe clinux_seccomp_filter(pid, index, &buffer)
                if count < 0 {
                    let error = Errno(rawValue: errno)
                    if error == .noSuchFileOrDirectory && index > 0 { break }
                    return [UInt8(clamping: error.rawValue)]
                }
                let size = Int(count) * 8
                told += [UInt8(size & 0xff), UInt8(size >> 8 & 0xff)] + buffer[..<size]
            }
            return [0] + told
        }
        guard case .finished(let bytes) = outcome else { throw .timedOut }
        guard let error = bytes.first, error == 0 else {
            throw Errno(rawValue: CInt(bytes.first ?? 0))
        }
        var filters: [SeccompFilter] = []
        var rest = bytes.dropFirst()
        while rest.count > 2 {
            let size = Int(rest[rest.startIndex]) | Int(rest[rest.startIndex + 1]) << 8
            rest = rest.dropFirst(2)
            filters.append(SeccompFilter(program: Array(rest.prefix(size)), flags: 0))
            rest = rest.dropFirst(size)
        }
        return filters
    }
}
