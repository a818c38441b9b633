import Archives
import LinuxSystem
import SystemPackage

@testable import Images

/// Feeds bytes to the readers of archives: decompression, libarchive, the writer of layers, and the
/// list of files in a saved image.
func readArchive(_ bytes: [UInt8]) {
    let scratch = Scratch()
    do {
        try listMembers(bytes, scratch)
    } catch {
        checkRefused("\(error)")
    }
    guard let content = decompressed(bytes) else { return }
    do throws(Failure) {
        try writeLayer(content, bytes.count.isMultiple(of: 2) ? .root : .user, scratch)
    } catch {
        checkRefused(error.message)
    }
}

/// The valid output of a stream, at most a few megabytes.
private func decompressed(_ bytes: [UInt8]) -> [UInt8]? {
    var rest = bytes[...]
    let input = StreamInput { target in
        // Pieces, as a pipe may return them.
        let count = min(rest.count, target.count, 1000)
        target.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    do throws(Failure) {
        let decompressor = try Decompressor(input, try Compression(of: input))
        while content.count < 4 << 20 {
            var failure: Failure?
            let count = buffer.withUnsafeMutableBytes { target in
                do throws(Failure) {
                    return try decompressor.read(into: target)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            if count == 0 { break }
            content += buffer[..<count]
        }
    } catch {
        precondition(!error.message.isEmpty)
    }
    return content.isEmpty ? nil : content
}

private let mostBytes: Int64 = 1 << 20
private let mostEntries = 200

private func writeLayer(
    _ content: [UInt8], _ privilege: Privilege, _ scratch: borrowing Scratch
) throws(Failure) {
    var rest = content[...]
    var piece: [UInt8] = []
    let held = UnsafeMutableRawBufferPointer.allocate(byteCount: 4000, alignment: 16)
    defer { held.deallocate() }
    let reader = try ArchiveReader {
        piece = Array(rest.prefix(held.count))
        rest = rest.dropFirst(piece.count)
        held.copyBytes(from: piece)
        return UnsafeRawBufferPointer(rebasing: held[..<piece.count])
    }
    let root: OwnedDescriptor
    do throws(Errno) {
        root = try scratch.directory()
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    var limits = Limits()
    limits.size = mostBytes
    limits.entries = mostEntries
    let writer = LayerWriter(root, reading: reader, privilege, limits)
    do throws(Failure) {
        try writer.writeAll()
    } catch {
        precondition(writer.limits.size <= mostBytes)
        throw error
    }
    precondition(writer.limits.size >= 0 && writer.limits.entries >= 0)
}

private func listMembers(_ bytes: [UInt8], _ scratch: borrowing Scratch) throws {
    // A separate process decompresses. A fork for each input would be too slow.
    let input = StreamInput { target in
        target.copyBytes(from: bytes.prefix(64))
        return min(bytes.count, 64)
    }
    if try Compression(of: input) != .none || ForeignFormat(of: input) != nil { return }
    let file = try scratch.file(bytes)
    let directory = try scratch.directory()
    let tree = try TarTree(
        "/proc/self/fd/\(file.borrowed.rawValue)", spoolingIn: directory.borrowed,
        atMost: mostBytes, NoReporter())
    for name in ["manifest.json", "index.json", "oci-layout"] {
        guard let member = try? tree.file(name) else { continue }
        _ = try? member.readDocument()
    }
    _ = try? OCILayout(tree).image(nil, nil)
    _ = try? DockerArchive(tree: tree).image(nil, nil)
}

final class NoReporter: Reporter {
    func note(_ words: String) {}
    func progress(_ layer: String, done: Int64, of total: Int64?) {}
    func endProgress() {}
}
