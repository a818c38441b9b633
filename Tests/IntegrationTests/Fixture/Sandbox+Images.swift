import Archives
import CLinux
import Glibc
import JSON

extension Sandbox {
    /// Runs `vfs-run unpack` of a tar archive into `app`.
    func unpack(_ tar: TarFile, _ options: [String] = []) throws -> Outcome {
        try writeBytes("layer.tar", tar.finished)
        return try unpack(path("layer.tar"), options)
    }

    func unpack(_ image: String, _ options: [String] = []) throws -> Outcome {
        try Running(Host.runtime, ["unpack"] + options + [image, path("app")]).finish()
    }

    /// The only layer of `app`.
    func onlyLayer() throws -> String {
        let names = TreeSnapshot.names(in: path("app/layers/sha256"))
        guard let name = names.first, names.count == 1 else { throw Failure("layers: \(names)") }
        return path("app/layers/sha256/\(name)")
    }

    @discardableResult
    func writeBytes(_ name: String, _ bytes: [UInt8]) throws -> String {
        try write(name, "")
        let file = open(path(name), O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw Failure("write \(name) failed")
        }
        return path(name)
    }

    /// Writes an image layout to `layout`.
    ///
    /// - Parameter images: Tag, platform, and layers as they are, bottom first, with their
    ///   compression.
    func writeLayout(
        _ images: [(tag: String?, architecture: String?, layers: [([UInt8], Compression)])],
        config: String = "{}"
    ) throws {
        try write("layout/oci-layout", #"{"imageLayoutVersion": "1.0.0"}"#)
        var manifests: [String] = []
        for image in images {
            var layers: [String] = []
            for (bytes, compression) in image.layers {
                let type =
                    "application/vnd.oci.image.layer.v1.tar"
                    + (compression == .none ? "" : "+\(compression.rawValue)")
                layers.append(
                    try writeBlob(TestBlob.compressed(bytes, compression), type))
            }
            let diffIDs = image.layers.map { "\"\(SHA256.of($0.0))\"" }.joined(separator: ",")
            let document =
                #"{"os": "linux", "architecture": "\#(image.architecture ?? TestBlob.architecture)","#
                + #" "config": \#(config), "rootfs": {"type": "layers", "diff_ids": [\#(diffIDs)]}}"#
            let configBlob = try writeBlob(
                Array(document.utf8), "application/vnd.oci.image.config.v1+json")
            let type = "application/vnd.oci.image.manifest.v1+json"
            let manifest =
                #"{"schemaVersion": 2, "mediaType": "\#(type)", "config": \#(configBlob),"#
                + #" "layers": [\#(layers.joined(separator: ","))]}"#
            var more = ""
            if let tag = image.tag {
                more += #", "annotations": {"org.opencontainers.image.ref.name": "\#(tag)"}"#
            }
            if let architecture = image.architecture {
                more += #", "platform": {"os": "linux", "architecture": "\#(architecture)"}"#
            }
            manifests.append(try writeBlob(Array(manifest.utf8), type, more))
        }
        try write(
            "layout/index.json",
            #"{"schemaVersion": 2, "manifests": [\#(manifests.joined(separator: ","))]}"#)
    }

    /// Writes a blob and answers its descriptor.
    @discardableResult
    func writeBlob(_ bytes: [UInt8], _ type: String, _ more: String = "") throws -> String {
        let digest = SHA256.of(bytes)
        try writeBytes("layout/blobs/sha256/\(digest.hexadecimal)", bytes)
        return
            #"{"mediaType": "\#(type)", "digest": "\#(digest)", "size": \#(bytes.count)\#(more)}"#
    }
}

enum TestBlob {
    #if arch(arm64)
        static let architecture = "arm64"
    #else
        static let architecture = "amd64"
    #endif

    static func compressed(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
        var result: [UInt8] = []
        let compressor = try Compressor(compression) { result.append(contentsOf: $0) }
        try compressor.add(bytes)
        try compressor.finish()
        return result
    }
}

extension Host {
    /// An extended attribute of the file itself.
    static func attribute(_ name: String, of path: String) -> String? {
        var value = [UInt8](repeating: 0, count: 256)
        let count = clinux_lgetxattr(path, name, &value, value.count)
        return count < 0 ? nil : String(decoding: value[..<count], as: UTF8.self)
    }
}
