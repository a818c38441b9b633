import CSeccomp
import JSON
import LinuxSystem
import OCISpec
import Testing

@testable import Seccomp

/// A profile, compiled, and asked about system calls.
struct Profile {
    let spec: Spec.Seccomp
    let filter: SeccompFilter
    private let program: BPF

    /// - Parameter text: The profile as it stands in a config.json.
    init(_ text: String, as layout: SeccompCompiler.Layout = .ranges) throws {
        spec = try Profile.read(Array(text.utf8))
        filter = try SeccompCompiler.compile(spec, as: layout)
        program = try BPF(filter)
    }

    static func read(_ text: [UInt8]) throws -> Spec.Seccomp {
        let diagnostics = Diagnostics(try JSONDocument(text), file: "profile.json")
        let spec = Spec.Seccomp(diagnostics.document.root, diagnostics)
        #expect(diagnostics.all.map(\.text) == [])
        return try #require(spec)
    }

    /// How many instructions the filter has.
    var size: Int { program.count }

    func run(
        _ number: UInt32, _ arguments: [UInt64] = [], on architecture: AuditArchitecture = .amd64
    ) throws -> BPF.Verdict {
        try program.run(
            SystemCallData(
                number: number, architecture: architecture, arguments: arguments))
    }

    /// The verdict on a call by name.
    func verdict(
        _ name: String, _ arguments: UInt64..., on architecture: AuditArchitecture = .amd64
    ) throws -> Verdict {
        let number = try #require(systemCall(name, on: architecture), "\(name)")
        return Verdict(try run(number, arguments, on: architecture).action)
    }
}

/// The number of a system call, nil where the architecture does not have it.
func systemCall(_ name: String, on architecture: AuditArchitecture) -> UInt32? {
    let number = seccomp_syscall_resolve_name_arch(architecture.rawValue, name)
    return number >= 0 ? UInt32(number) : nil
}

/// `SECCOMP_RET_*`.
enum Verdict: Hashable, Sendable {
    case killProcess, killThread, trap, log, allow
    case errno(UInt32)
    case trace(UInt32)
    case other(UInt32)

    init(_ action: UInt32) {
        let data = action & 0xffff
        self =
            switch action & 0xffff_0000 {
            case 0x8000_0000: .killProcess
            case 0x0000_0000: .killThread
            case 0x0003_0000: .trap
            case 0x0005_0000: .errno(data)
            case 0x7ff0_0000: .trace(data)
            case 0x7ffc_0000: .log
            case 0x7fff_0000: .allow
            default: .other(action)
            }
    }
}

/// The text of config/seccomp.json.
func defaultProfileText() throws -> String { try profileText("seccomp.json") }

/// The text of config/seccomp-strict.json.
func strictProfileText() throws -> String { try profileText("seccomp-strict.json") }

private func profileText(_ name: String) throws -> String {
    let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return String(decoding: try HostPath.read("\(root)/config/\(name)"), as: UTF8.self)
}
