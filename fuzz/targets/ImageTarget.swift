import Archives
import JSON
import LinuxSystem
import OCISpec
import SystemPackage

@testable import ContainerRuntime
@testable import Images

/// Feeds the documents of an image to their readers, and the resulting config.json to its reader.
///
/// Documents are separated by a line `---`. The first is `index.json` or, if it starts with `[`, the
/// `manifest.json` of docker save. In a document `@dN` stands for the digest of the later document N
/// and `@sN` for its size: the fuzzer chooses the references, and the digests are valid.
func readImage(_ bytes: [UInt8]) {
    let scratch = Scratch()
    do {
        let documents = resolved(split(bytes))
        let isDocker = documents[0].first == UInt8(ascii: "[")
        let tree = try makeTree(documents, isDocker: isDocker, scratch)
        let wanted = Platform("linux/amd64")
        let image =
            isDocker
            ? try DockerArchive(tree: tree).image(nil, wanted)
            : try OCILayout(tree).image(nil, wanted)
        for layer in image.layers { _ = try? layer.open().readDocument() }
        try readBundle(image.config, documents.last ?? [])
    } catch {
        checkRefused("\(error)")
    }
}

private func split(_ bytes: [UInt8]) -> [[UInt8]] {
    var documents: [[UInt8]] = [[]]
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if line.elementsEqual("---".utf8) && documents.count < 10 {
            documents.append([])
        } else {
            documents[documents.count - 1] += line + [UInt8(ascii: "\n")]
        }
    }
    return documents
}

private func resolved(_ documents: [[UInt8]]) -> [[UInt8]] {
    var documents = documents
    for index in documents.indices.reversed() {
        var text: [UInt8] = []
        var rest = documents[index][...]
        while let byte = rest.popFirst() {
            let kind = rest.first
            let number = rest.dropFirst().first.map { Int($0) - 0x30 } ?? 0
            guard byte == UInt8(ascii: "@"), number > index, number < documents.count,
                kind == UInt8(ascii: "d") || kind == UInt8(ascii: "s")
            else {
                text.append(byte)
                continue
            }
            let target = documents[number]
            let word =
                kind == UInt8(ascii: "d") ? SHA256.of(target).description : "\(target.count)"
            text += word.utf8
            rest = rest.dropFirst(2)
        }
        documents[index] = text
    }
    return documents
}

private func makeTree(
    _ documents: [[UInt8]], isDocker: Bool, _ scratch: borrowing Scratch
) throws -> DirectoryTree {
    let root = try scratch.directory()
    let folder = isDocker ? "" : "blobs/sha256"
    if !isDocker {
        try HostPath.makeDirectories("\(scratch.inside)/\(folder)", mode: 0o755)
        let version = Array(#"{"imageLayoutVersion": "1.0.0"}"#.utf8)
        try root.borrowed.replaceFile("oci-layout", with: version, mode: 0o644)
    }
    try root.borrowed.replaceFile(
        isDocker ? "manifest.json" : "index.json", with: documents[0], mode: 0o644)
    let blobs = try scratch.directory("inside/\(folder)")
    for (number, document) in documents.enumerated().dropFirst() {
        let name = isDocker ? "\(number)" : SHA256.of(document).hexadecimal
        try blobs.borrowed.replaceFile(name, with: document, mode: 0o644)
    }
    return try DirectoryTree(scratch.inside)
}

/// The last document is also the image's /etc/passwd and /etc/group.
private func readBundle(_ config: ImageConfig, _ names: [UInt8]) throws {
    let user = try UserDatabase(passwd: names, group: names).find(config.user)
    let bundle = BundleConfig(
        image: config, user: user, volumes: [], layers: ["layers/a"], root: "layers/a")
    let text = bundle.json(over: base).prettyText
    // Every image results in a valid config.json.
    let document = try JSONDocument(Array(text.utf8))
    do throws(ConfigurationError) {
        _ = try ConfigurationBuilder.build(
            document, file: "config.json", bundle: "/nonexistent", Invocation())
    } catch {
        for diagnostic in error.diagnostics { _ = diagnostic.text }
    }
}

private let base = JSONOutput.object([
    ("ociVersion", .string("1.3.0")),
    (
        "process",
        .object([
            ("args", .array([.string("sh")])), ("cwd", .string("/")),
            ("env", .array([.string("PATH=/bin")])),
        ])
    ),
    ("mounts", .array([])),
    ("linux", .object([("namespaces", .array([.object([("type", .string("mount"))])]))])),
])
