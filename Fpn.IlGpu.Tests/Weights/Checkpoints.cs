using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Builds small checkpoints by hand, and opens them.</summary>
internal static class Checkpoints
{
    private static readonly byte[] Magic = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    /// <summary>The path of a file made by fixtures/make_checkpoints.py.</summary>
    public static string Fixture(string name)
        => Path.Combine(TestContext.CurrentContext.TestDirectory, "Weights", "fixtures", name);

    public static StateDictionary Open(byte[] file, string path = "model") => WeightsFile.Open(
        new MemoryBytes(file), path, folder: Path.GetDirectoryName(Path.GetFullPath(path)));

    /// <summary>Asserts that opening these bytes fails, and returns the message.</summary>
    public static string Refusal(byte[] file) => Refusal(() => Open(file).Dispose());

    public static string Refusal(Action open)
    {
        var message = Assert.Throws<WeightsException>(() => open())!.Message;
        Assert.That(message, Does.EndWith("."));
        Assert.That(message, Does.StartWith("model: "));
        Assert.That(message, Does.Not.Contain('\n'));
        Assert.That(message, Has.Length.LessThan(600));
        return message;
    }

    /// <summary>A plain pickle of a dictionary with one tensor 't', which the action writes.</summary>
    public static byte[] Pickle(Action<PickleWriter> value, int protocol = 2)
        => new PickleWriter(protocol).Dictionary(w => value(w.Text("t"))).End();

    /// <summary>A PyTorch zip with this pickle and these storages, keys 0, 1, ….</summary>
    public static byte[] Zip(byte[] pickle, params byte[][] storages)
        => ZipWriter.Write(
        [
            new ZipFile("archive/data.pkl", pickle),
            .. storages.Select((data, key) => new ZipFile($"archive/data/{key}", data)),
        ]);

    /// <summary>A legacy PyTorch file with this pickle and these storages of floats, keys 0, 1, ….</summary>
    public static byte[] Legacy(byte[] pickle, params byte[][] storages)
    {
        var file = new List<byte>();
        file.AddRange(PickleWriter.Number(Magic));
        file.AddRange(PickleWriter.Number(0xE9, 0x03));
        file.AddRange(new PickleWriter().Dictionary(w => w.Text("little_endian").Bool(true)).End());
        file.AddRange(pickle);
        var keys = new PickleWriter().Op(PickleOpcode.EmptyList).Mark();
        for (var key = 0; key < storages.Length; key++)
            keys.Text($"{key}");
        file.AddRange(keys.Op(PickleOpcode.Appends).End());
        var count = new byte[8];
        foreach (var storage in storages)
        {
            BinaryPrimitives.WriteInt64LittleEndian(count, storage.Length / sizeof(float));
            file.AddRange(count);
            file.AddRange(storage);
        }
        return [.. file];
    }

    public static byte[] Floats(params float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    /// <summary>Reads every tensor.</summary>
    public static void ReadAll(StateDictionary weights)
    {
        foreach (var tensor in weights.Tensors.Values)
            tensor.ToArray();
    }
}
