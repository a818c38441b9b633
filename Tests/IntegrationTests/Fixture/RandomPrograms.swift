import CLinux
import Glibc

/// A source of trees and of commands that change them, the same for the same seed.
final class RandomPrograms {
    private var state: UInt64
    private static let names = ["a", "b", "c", "d", "a b", "ü", "x.y"]

    init(seed: UInt64) { state = seed }

    func random(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    private func path() -> String {
        (0...random(3)).map { _ in Self.names[random(Self.names.count)] }.joined(separator: "/")
    }

    func makeLayer(_ box: Sandbox, _ name: String) throws {
        try box.makeDirectory("\(name)/data")
        for _ in 0..<30 {
            let path = "\(name)/data/\(path())"
            if random(3) == 0 {
                _ = try? box.makeDirectory(path)
            } else if !box.exists(path) {
                _ = try? box.write(path, String(repeating: "x", count: random(9)))
                if random(4) == 0 { setAttribute(box.path(path)) }
            }
        }
    }

    /// One of its own, which every copy of the file has to keep.
    private func setAttribute(_ path: String) {
        let value = [UInt8](String(random(100)).utf8)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        _ = clinux_fsetxattr(file, "user.test", value, value.count)
        close(file)
    }

    /// Commands of a shell, of which some fail.
    func script(_ count: Int) -> String {
        var lines = ["cd /data"]
        for _ in 0..<count {
            let (one, other) = ("'\(path())'", "'\(path())'")
            switch random(15) {
            case 0, 1: lines.append("mkdir -p \(one)")
            case 2: lines.append("rm -rf \(one)")
            case 3: lines.append("rm -rf \(one); mkdir -p \(one); echo n > \(one)/n")
            case 4: lines.append("mv \(one) \(other)")
            case 5: lines.append("echo \(random(100)) > \(one)")
            case 6: lines.append("echo more >> \(one)")
            case 7: lines.append("chmod \(["700", "755", "4711", "600"][random(4)]) \(one)")
            case 8: lines.append("chown \(random(3)):\(random(3)) \(one)")
            case 9: lines.append("touch \(one)")
            case 10: lines.append("chmod 700 \(one); chmod 755 \(one)")
            case 11: lines.append("ln \(one) \(other)")
            case 12: lines.append("ln -s target \(one)")
            case 13: lines.append("cp -a \(one) \(other)")
            default: lines.append("mkfifo \(one)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
