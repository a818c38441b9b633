import Foundation
import Testing

/// `vfs-run features` beside what crun and runc print.
@Suite struct `The features command` {
    private func features(_ program: String, _ name: String) throws -> Value {
        let outcome = try Running(program, ["features"]).finish()
        if outcome.code != 0 { try skip("\(name) is too old to have a features command") }
        return try Value(parsing: outcome.output)
    }

    @Test func `takes no argument`() throws {
        let outcome = try Running(Host.runtime, ["features", "extra"]).finish()
        #expect(outcome.code == 1)
        #expect(
            outcome.error
                == "vfs-run: \"features\" requires exactly 0 argument(s), not 1: vfs-run features"
                + " [OPTIONS]\n"
        )
    }

    /// Lists of names that a document may hold: what is missing here, and what is missing there.
    static let lists: [(path: [String], notYet: Set<String>, onlyHere: Set<String>)] = [
        // acl and noacl: of the kernel's past, and in runc until 1.1.
        // Id-mapped mounts: newer than runc 1.1; time namespaces likewise.
        (["mountOptions"], ["acl", "noacl"], ["idmap", "ridmap"]),
        (["linux", "namespaces"], [], ["time"]),
        (["linux", "capabilities"], [], []),
        (["linux", "seccomp", "actions"], [], []),
        (["linux", "seccomp", "operators"], [], []),
        (
            ["linux", "seccomp", "archs"], [],
            // Of the specification and newer than some peers' libseccomp.
            [
                "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",
                "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
            ]
        ),
    ]

    @Test(arguments: PeerTests.Peer.allCases)
    func `names what another runtime names`(_ peer: PeerTests.Peer) throws {
        guard let program = Host.find(peer.rawValue) else {
            try skip("\(peer) is not installed")
        }
        let theirs = try features(program, peer.rawValue)
        let ours = try features(Host.runtime, "vfs-run")
        for list in Self.lists {
            func names(_ features: Value) -> Set<String> {
                let found = list.path.reduce(features) { $0[$1] }
                return Set((found.array ?? []).compactMap(\.string))
            }
            let (own, other) = (names(ours), names(theirs))
            #expect(own != [] && other != [], "\(list.path)")
            #expect(other.subtracting(own).subtracting(list.notYet) == [], "\(list.path)")
            #expect(own.intersection(list.notYet) == [], "\(list.path)")
            // Capabilities of the kernel, which a peer's own table may be older than.
            if list.path.last == "capabilities" { continue }
            #expect(own.subtracting(other).subtracting(list.onlyHere) == [], "\(list.path)")
        }
    }
}
