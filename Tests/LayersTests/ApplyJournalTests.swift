import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Layers

struct ApplyJournalTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func journal() throws -> ApplyJournal {
        ApplyJournal(
            try HostPath.open(directory["journal"], [.readWrite, .create, .append], mode: 0o600),
            path: directory["journal"])
    }

    private func step(attributes: Int, of size: Int) -> ApplyStep {
        let time = FileTime(seconds: 1, nanoseconds: 2)
        var after = FileAttributes(mode: 0o755, user: 0, group: 0, modified: time)
        for number in 0..<attributes {
            after.values.append(
                .init(name: "user.\(number)", value: [UInt8](repeating: 7, count: size)))
        }
        return .attributes(
            path: LayerPath(bytes: [0x61]),
            old: FileIdentity(inode: 1, kind: .directory, size: 0, modified: time, changed: time),
            before: FileAttributes(mode: 0o700, user: 0, group: 0, modified: time), after: after)
    }

    private func append(_ bytes: [UInt8]) throws {
        let file = try HostPath.open(directory["journal"], [.writeOnly, .append])
        try file.borrowed.write(all: bytes)
    }

    @Test func `records are read as they were written`() throws {
        let journal = try journal()
        let records: [ApplyRecord] = [
            .header(ApplyHeader(tree: "/t", identifier: "1", store: nil)), .store(77),
            .step(step(attributes: 3, of: 60_000)), .mark(.staged),
        ]
        for record in records { try journal.append(record) }
        try journal.flush()
        var found: [ApplyRecord] = []
        try self.journal().forEach { _, record in found.append(record) }
        #expect(found == records)
    }

    @Test func `a record that could not be read again is not written`() throws {
        let journal = try journal()
        let large = step(attributes: 70, of: 60_000)
        #expect(!ApplyJournal.holds(large) && ApplyJournal.holds(step(attributes: 3, of: 60_000)))
        #expect(throws: LinuxSystem.Failure.self) { try journal.append(.step(large)) }
    }

    @Test func `a record that was cut short is removed`() throws {
        let journal = try journal()
        try journal.append(.mark(.staged))
        try journal.flush()
        let whole = try FileStatus.of(path: directory["journal"]).size
        for tail in [
            [5, 0, 0], [40, 0, 0, 0, 0, 0, 0, 0, 1, 2], [UInt8](repeating: 0, count: 4096),
        ] {
            try append(tail)
            _ = try self.journal().recover()
            #expect(try FileStatus.of(path: directory["journal"]).size == whole)
        }
    }

    @Test func `a journal that cannot be read to its end is an error`() throws {
        let journal = try journal()
        try journal.append(.mark(.staged))
        try journal.flush()
        let length: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0]
        for tail in [length, [1, 0, 0, 0, 0, 0, 0, 0, 9] + [UInt8](repeating: 1, count: 8)] {
            try append(tail)
            #expect(throws: LinuxSystem.Failure.self) { try self.journal().recover() }
            let file = try HostPath.open(directory["journal"], .writeOnly)
            try file.borrowed.setSize(17)
        }
    }
}
