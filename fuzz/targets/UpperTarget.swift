import Archives
import LinuxSystem
import SystemPackage

@testable import Images
@testable import Layers

/// Builds up to four layers, with everything that a container or another user can write into an upper,
/// and feeds them to the readers of uppers: the differences, the archive, the directory, the view.
///
/// The first byte gives the numbers of layers and uppers and the prefix of the attributes. A list of
/// calls follows, each an operation and a path.
func readUpper(_ bytes: [UInt8]) {
    let scratch = Scratch()
    var input = InputReader(bytes)
    let shape = input.byte()
    let count = Int(shape & 3) + 1
    let uppers = min(Int(shape >> 2 & 1) + 1, count)
    let marks: OverlayMarks = shape & 8 == 0 ? .trusted : .user
    do throws(Errno) {
        for layer in 0..<count {
            try HostPath.makeDirectory("\(scratch.inside)/\(layer)", mode: 0o755)
        }
        for _ in 0..<100 where !input.isAtEnd {
            let layer = try scratch.directory("inside/\(input.number(below: count))")
            try? TreeMaker(top: layer.borrowed, marks: marks).make(&input)
        }
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    do throws(Failure) {
        try read(try stack(count, marks, scratch), uppers, scratch)
    } catch {
        checkRefused(error.message)
    }
}

private func stack(
    _ count: Int, _ marks: OverlayMarks, _ scratch: borrowing Scratch
) throws(Failure) -> LayerStack {
    try LayerStack(
        uppers: [], over: (0..<count).reversed().map { "\(scratch.inside)/\($0)" }, marks: marks)
}

private func read(
    _ stack: LayerStack, _ uppers: Int, _ scratch: borrowing Scratch
) throws(Failure) {
    var comparison = Comparison(stack, uppers: uppers)
    do throws(Failure) {
        while let change = try comparison.next() {
            _ = change.line
            _ = change.json.compactText
            _ = try? change.content(forTerminal: true)
        }
    } catch {
        checkRefused(error.message)
    }
    let view = LayerStack(stack.roots, marks: stack.marks, isView: true)
    var changes = Comparison(view, uppers: uppers)
    do throws(Failure) {
        while let change = try changes.next() { _ = change.line }
    } catch {
        checkRefused(error.message)
    }
    do throws(Failure) {
        let first = try archive(LayerArchive(merged: stack), scratch)
        let second = try archive(LayerArchive(merged: stack), scratch)
        precondition(first == second)
    } catch {
        checkRefused(error.message)
    }
    _ = try archive(LayerArchive(layer: stack, uppers: uppers), scratch)
    try stack.commit(
        uppers: uppers,
        to: OutputPlace("\(scratch.inside)/committed", synchronizing: false))
}

private func archive(
    _ archive: LayerArchive, _ scratch: borrowing Scratch
) throws(Failure) -> Digest {
    let file: OwnedDescriptor
    do throws(Errno) {
        file = try scratch.file([])
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    return try archive.write(to: file.borrowed, .none).diffID
}

/// Executes calls in one layer.
private struct TreeMaker {
    let top: FileDescriptor
    let marks: OverlayMarks

    private static let names = [
        "a", "b", "c", "d", "e", ".wh.a", ".wh..wh..opq", "\u{1b}[31m", "new\nline",
        String(repeating: "n", count: 255), "\u{202e}", "f", "g", "h", "i", "j",
    ]

    private static let targets = [
        "/a", "/b/c", "a", "b", "..", "/", "", "/a/../..", "a/b", "/a//b", "../../../outside",
        "/" + String(repeating: "a/", count: 200) + "b", ".", "/.", "c", "/e/d",
    ]

    func make(_ input: inout InputReader) throws(Errno) {
        let operation = input.number(below: 16)
        var directory = try OwnedDescriptor.duplicate(top)
        let path = input.byte()
        // Each of these goes one level down.
        for level in 0..<Int(path >> 6) {
            let name = FileName(TreeMaker.names[Int(path >> (2 * level)) & 3]) ?? .here
            directory = try directory.borrowed.open(name, [.readOnly, .directory])
        }
        guard let name = FileName(TreeMaker.names[input.number(below: TreeMaker.names.count)])
        else { return }
        try call(operation, name, in: directory.borrowed, &input)
    }

    private func call(
        _ operation: Int, _ name: FileName, in parent: FileDescriptor, _ input: inout InputReader
    ) throws(Errno) {
        let none = DeviceNumber(major: 0, minor: 0)
        switch operation {
        case 0, 1, 2: try parent.makeDirectory(name, mode: 0o700 | UInt32(input.byte()) << 4)
        case 3, 4:
            let file = try parent.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
            try file.borrowed.write(all: input.bytes())
        case 5:
            // A hole.
            let file = try parent.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
            try file.borrowed.moveOffset(to: Int64(input.byte()) << 10)
            try file.borrowed.write(all: input.bytes())
        case 6: try parent.makeSymbolicLink(name, to: input.bytes())
        case 7: try parent.makeNode(name, mode: FileKind.characterDevice.modeBits, device: none)
        case 8: try parent.makeNode(name, mode: FileKind.fifo.modeBits | 0o600, device: none)
        case 9:
            try parent.setAttribute(marks.opaque, [input.byte() & 1 == 0 ? 0x79 : 0x78], of: name)
        case 10:
            let target = TreeMaker.targets[input.number(below: TreeMaker.targets.count)]
            try parent.setAttribute(marks.redirect, Array(target.utf8), of: name)
        case 11: try parent.setAttribute(marks.redirect, input.bytes(), of: name)
        case 12: try parent.setAttribute(marks.metacopy, input.bytes(), of: name)
        case 13: try parent.setAttribute(marks.whiteout, [], of: name)
        case 14:
            guard let other = FileName(TreeMaker.names[input.number(below: 4)]) else { return }
            try parent.makeLink(name, to: other, in: parent)
        default:
            let attribute = ["user.a", "user.overlay.x", "trusted.overlay.origin", "user.\u{1b}"]
            try parent.setAttribute(
                attribute[input.number(below: attribute.count)], input.bytes(), of: name)
        }
    }
}
