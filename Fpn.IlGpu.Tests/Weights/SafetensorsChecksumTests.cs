using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>The checksum in every file that this library writes.</summary>
internal sealed class SafetensorsChecksumTests
{
    private const string Key = "fpn.sha256";

    private string folder = "";

    private string Path => System.IO.Path.Combine(folder, "a.safetensors");

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("fpn-").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Every_flipped_bit_is_refused()
    {
        var whole = Written();
        var key = Encoding.Latin1.GetString(whole).IndexOf(Key, StringComparison.Ordinal);
        for (var bit = 0; bit < 8 * whole.Length; bit++)
        {
            // In the key's own letters a flipped bit makes a file without a checksum, whose content is whole.
            if (bit / 8 >= key && bit / 8 < key + Key.Length)
                continue;
            var damaged = whole.ToArray();
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.That(() => Safetensors.Open(damaged, "a").Dispose(), Throws.TypeOf<WeightsException>(), $"bit {bit}");
        }
    }

    [TestCase(DataType.F32)]
    [TestCase(DataType.F16)]
    public void A_flipped_bit_of_an_element_is_called_damage(DataType type)
    {
        var damaged = Written(type);
        damaged[^1] ^= 1;
        Assert.That(
            () => Safetensors.Open(damaged, "a.safetensors").Dispose(),
            Throws.TypeOf<WeightsException>().With.Message.StartsWith("a.safetensors: the file is damaged")
                .And.Message.Contains("use another copy").And.Message.Contains(Key));
    }

    [Test]
    public void A_file_with_elements_of_another_is_refused()
    {
        var (one, other) = (Written(), Written(value: 7));
        other[..^12].CopyTo(one, 0);
        Assert.That(() => Safetensors.Open(one, "a").Dispose(), Throws.TypeOf<WeightsException>());
    }

    [Test]
    public void A_file_without_a_checksum_is_loaded()
    {
        var text = Encoding.Latin1.GetString(Written());
        // Another key of the same length: the file of a program that knows nothing of checksums.
        using var state = Safetensors.Open(Encoding.Latin1.GetBytes(text.Replace(Key, "fpn.sha999", StringComparison.Ordinal)), "a");
        Assert.That(state.Read("t", 3), Is.EqualTo(new float[] { 1, 2, 3 }));
    }

    [Test]
    public void A_file_that_another_program_laid_out_anew_keeps_its_checksum()
    {
        var before = Written();
        var text = Encoding.Latin1.GetString(before);
        var header = text[8..text.IndexOf("}}", 8, StringComparison.Ordinal)];
        // A space more in the header; the elements stay.
        var roomier = $"{header} }}}}";
        var file = new List<byte>(BitConverter.GetBytes((ulong)roomier.Length));
        file.AddRange(Encoding.Latin1.GetBytes(roomier));
        file.AddRange(before[^12..]);

        using var state = Safetensors.Open(file.ToArray(), "a");

        Assert.That(state.Metadata.Keys, Is.EqualTo(new[] { "step" }), "the checksum is not part of what others see");
        Assert.That(state.Read("t", 3), Is.EqualTo(new float[] { 1, 2, 3 }));
    }

    [Test]
    public void A_converted_file_has_a_checksum_of_its_own()
    {
        Written();
        using (var first = Safetensors.Open(Path))
            Safetensors.Write($"{Path}.2", first.Tensors.Values, DataType.BF16, first.Metadata);
        using var second = Safetensors.Open($"{Path}.2");
        Assert.That(second.Metadata["step"], Is.EqualTo("5"));
        Assert.That(Encoding.Latin1.GetString(File.ReadAllBytes($"{Path}.2")), Does.Contain($"\"{Key}\":\""));
    }

    private byte[] Written(DataType type = DataType.F32, float value = 1)
    {
        Safetensors.Write(Path, [("t", [3], [value, 2, 3])], type, new Dictionary<string, string> { ["step"] = "5" });
        return File.ReadAllBytes(Path);
    }
}
