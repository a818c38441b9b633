import LinuxSystem
import Testing

@testable import Explain

@Suite struct `Ways out` {
    @Test func `of a process that lacks no capability are told in one line, first of all`() {
        let ways = Explanation.ofRoot().ways
        #expect(ways.first?.key == "all capabilities" && ways.first?.rank == .critical)
        #expect(!ways.contains { $0.key.hasPrefix("capability ") })
        #expect(ways.count < 12, "\(ways.map(\.key))")
        let text = Explanation.ofRoot().text(columns: 80)
        #expect(text.contains("An ordinary process of root, set apart by its own mount namespace"))
    }

    @Test func `of one rank come in the order of their weight, not of the alphabet`() throws {
        let names = ["CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SYS_MODULE"]
        let sets = names.compactMap { CapabilitySet(name: $0) }
        let ways = Explanation.ofRoot(capabilities: CapabilitySet(sets)).ways
        let critical = ways.filter { $0.rank == .critical }.map(\.key)
        #expect(
            critical == [
                "capability CAP_SYS_ADMIN", "capability CAP_SYS_MODULE",
                "capability CAP_DAC_READ_SEARCH",
            ])
        #expect(ways.map(\.rank) == ways.map(\.rank).sorted())
    }

    @Test func `of a user are the programs that give it more rights`() {
        var found = Explanation.ofRoot()
        found.identity.user = 1000
        found.capabilities.sets?.effective = []
        found.capabilities.sets?.permitted = []
        #expect(found.rank("all capabilities") == .high)
        found.security.noNewPrivileges = true
        #expect(found.rank("all capabilities") == nil)
        #expect(found.rank("root of the host") == nil)
    }

    @Test func `a process that lacks one of the host's is told each of the others`() throws {
        let module = try #require(CapabilitySet(name: "CAP_SYS_MODULE"))
        let rest = CapabilitySet(rawValue: .max).subtracting(module)
        let found = Explanation.ofRoot(capabilities: rest)
        #expect(found.rank("capability CAP_SYS_ADMIN") == .critical)
        #expect(found.rank("all capabilities") == nil)
        // Where root of the host has no more it is all of them.
        var other = found
        other.capabilities.hosts = rest
        #expect(other.rank("all capabilities") == .critical)
    }

    @Test func `in a user namespace of its own capabilities are none`() {
        var found = Explanation.ofRoot()
        found.identity.users = [IDRange(inside: 0, outside: 100_000, count: 65536)]
        found.identity.groups = found.identity.users
        for index in found.namespaces.indices where found.namespaces[index].kind == "user" {
            found.namespaces[index].isOwn = true
        }
        #expect(found.rank("all capabilities") == nil && found.rank("root of the host") == nil)
    }

    @Test func `of mounts are sockets, whole file systems and what is writable`() {
        let host = mountLine(1, in: 0, "/")
        let table =
            mountLine(1, in: 0, "/", "overlay", device: "0:50", source: "overlay")
            + mountLine(2, in: 1, "/all") + mountLine(3, in: 1, "/read", options: "ro")
            + mountLine(4, in: 1, "/part", root: "/srv/part")
            + mountLine(5, in: 1, "/run/docker.sock", root: "/run/docker.sock")
            + mountLine(6, in: 1, "/etc/hosts", root: "/var/hosts")
            + mountLine(7, in: 1, "/proc", "proc", device: "0:51", source: "proc")
        let found = Explanation.ofRoot().mounting(table, host: host)
        #expect(found.rank("host files /all") == .critical)
        #expect(found.rank("host files /read") == .medium)
        #expect(found.rank("host files /part") == .medium)
        #expect(found.rank("socket /run/docker.sock") == .critical)
        #expect(found.rank("host files /etc/hosts") == nil)
        #expect(found.rank("writable /proc/sys") == .critical)
    }

    @Test func `of descriptors are directories; standard output to a file is a small one`() {
        var found = Explanation.ofRoot()
        func file(_ number: Int32, _ target: String, isDirectory: Bool, isWritable: Bool) {
            found.descriptors.append(
                DescriptorFact(
                    number: number, target: target, isDirectory: isDirectory,
                    isWritable: isWritable))
        }
        file(1, "/tmp/log", isDirectory: false, isWritable: true)
        file(3, "/tmp/log", isDirectory: false, isWritable: true)
        file(4, "/srv", isDirectory: true, isWritable: false)
        file(0, "/dev/null", isDirectory: false, isWritable: false)
        #expect(found.rank("descriptor 1") == .low && found.rank("descriptor 3") == .medium)
        #expect(found.rank("descriptor 4") == .critical && found.rank("descriptor 0") == nil)
    }

    @Test func `are none of a process that may not be looked at, or that nothing sets apart`() {
        #expect(Explanation(title: "process 7 (sh)").ways.isEmpty)
        var found = Explanation.ofRoot()
        for index in found.namespaces.indices { found.namespaces[index].isOwn = false }
        #expect(found.isOrdinary && found.ways.isEmpty)
    }
}
