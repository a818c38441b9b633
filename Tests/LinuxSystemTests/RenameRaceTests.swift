import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Somebody moves directories while a path is resolved.
@Suite struct `A root directory under attack` {
    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Swaps until the body is done.
    private func racing(
        _ swap: @escaping @Sendable () -> Void, _ body: () throws -> Void
    ) async throws {
        let done = Flag()
        let attacker = Task.detached { while !done.isSet.load(ordering: .relaxed) { swap() } }
        let result = Result { try body() }
        done.isSet.store(true, ordering: .relaxed)
        await attacker.value
        try result.get()
    }

    @Test func `is not left when a directory is moved out of it`() async throws {
        let jail = try Jail()
        let inside = jail.directory["root/a/b"]
        let outside = jail.directory["outside/b"]
        var reached = 0
        try await racing {
            _ = rename(inside, outside)
            _ = rename(outside, inside)
        } _: {
            let root = try jail.open()
            for _ in 0..<3000 {
                do throws(Errno) {
                    let file = try root.open("a/b/../../secret", .readOnly)
                    let text = String(decoding: try file.borrowed.readAll(), as: UTF8.self)
                    #expect(text == "inside")
                    reached += 1
                } catch {
                    #expect(
                        [.noSuchFileOrDirectory, .resourceTemporarilyUnavailable].contains(error))
                }
            }
        }
        #expect(reached > 0)
    }

    @Test func `is not left when a directory becomes a link`() async throws {
        let jail = try Jail()
        try jail.directory.link("link", to: jail.directory["outside"])
        let link = jail.directory["link"]
        let place = jail.directory["root/a/b"]
        let spare = jail.directory["spare"]
        try await racing {
            _ = rename(place, spare)
            _ = rename(link, place)
            _ = rename(place, link)
            _ = rename(spare, place)
        } _: {
            let root = try jail.open()
            for number in 0..<1500 {
                _ = errno { () throws(Errno) in try root.makeDirectories("a/b/d\(number)/x") }
                _ = errno { () throws(Errno) in try root.makeFile("a/b/f\(number)") }
            }
        }
        #expect(try entries(jail.directory["outside"]).isEmpty)
    }
}

/// The names in a directory.
func entries(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw Errno(rawValue: Glibc.errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}
