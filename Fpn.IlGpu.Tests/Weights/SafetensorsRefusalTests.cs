using System.Buffers.Binary;
using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Every way in which a file can be wrong gives an error that names the file, the tensor and the fault.</summary>
public class SafetensorsRefusalTests
{
    [Test]
    public void A_missing_file_a_folder_and_an_empty_file_are_refused()
    {
        var folder = Directory.CreateTempSubdirectory("fpn-weights-").FullName;
        try
        {
            var missing = Path.Combine(folder, "missing.safetensors");
            var empty = Path.Combine(folder, "empty.safetensors");
            File.WriteAllBytes(empty, []);
            Assert.That(() => Safetensors.Open(missing), Refused($"{missing}: there is no such weights file."));
            Assert.That(() => Safetensors.Open(folder), Refused($"{folder}: is a folder, not a weights file."));
            Assert.That(() => Safetensors.Open(empty), Refused($"{empty}: the weights file is empty."));
            // The file is closed after a refusal.
            File.WriteAllBytes(empty, "text that is no weights file"u8);
            Assert.That(() => Safetensors.Open(empty), Throws.TypeOf<WeightsException>());
            File.WriteAllBytes(empty, [1]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_file_cut_short_anywhere_is_refused()
    {
        var good = SafetensorsFile.Good();
        for (var length = 1; length < good.Length; length++)
            Assert.That(SafetensorsFile.Refusal(good[..length]), Does.Contain("is cut short"), $"{length} bytes");
        Assert.That(() => Safetensors.Open(Array.Empty<byte>(), "none"), Refused("none: the weights file is empty."));
    }

    [Test]
    public void A_wrong_header_length_is_refused()
    {
        const string header = "{}";
        Assert.That(
            SafetensorsFile.Refusal(SafetensorsFile.Build(header, 0, 3)),
            Does.Contain("claims a header of 3 bytes, but only 2 follow"));
        Assert.That(
            SafetensorsFile.Refusal(SafetensorsFile.Build(header, 0, 100_000_001)),
            Does.Contain("the limit is 16777216"));
        Assert.That(
            SafetensorsFile.Refusal(SafetensorsFile.Build(header, 0, ulong.MaxValue)),
            Does.Contain("claims a header of 18446744073709551615 bytes"));
        Assert.That(SafetensorsFile.Refusal(SafetensorsFile.Build(header, 0, 1)), Does.Contain("not valid JSON"));
        Assert.That(
            SafetensorsFile.Refusal(SafetensorsFile.Build(header, 0, 0)),
            Does.Contain("does not begin with '{'"));
        Assert.That(SafetensorsFile.Refusal(SafetensorsFile.Build(header, 9, 10)), Does.Contain("not valid JSON"));
    }

    [TestCase("[]", "does not begin with '{'")]
    [TestCase(" {}", "does not begin with '{'")]
    [TestCase("{}x", "not valid JSON")]
    [TestCase("{", "not valid JSON")]
    [TestCase("{\"t\":[]}", "'t' is not described by an object")]
    [TestCase("{\"t\":{\"shape\":[],\"data_offsets\":[0,4]}}", "'t' has no dtype")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "'t' has no shape")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[]}}", "'t' does not have two data_offsets")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", "'t' does not have two data_offsets")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,8]}}", "more than 2 entries")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,4]}}",
        "'t' has the dtype 'F31', which is not supported")]
    [TestCase("{\"t\":{\"dtype\":32,\"shape\":[],\"data_offsets\":[0,4]}}", "dtype that is not a string")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", "shape that is not a list")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "not a non-negative integer")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", "not a non-negative integer")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,4]}}",
        "not a non-negative integer")]
    [TestCase("{\"t\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}", "not a non-negative integer")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}",
        "too large to count")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}}",
        "too large to count")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[3000000000,0],\"data_offsets\":[0,0]}}",
        "extent that is not supported")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "'t' needs 8 bytes for F32 [2], but its data_offsets [0, 4] hold 4")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "'t' ends at byte 0, but begins at byte 4")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "is cut short: the tensor 't' ends at byte 8 of the data, which has only 4")]
    [TestCase(
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
        "has 2 bytes at its end that belong to no tensor")]
    [TestCase(
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
        "'t' begins at byte 2 of the data, after a gap: no tensor covers the bytes from 0 on")]
    [TestCase(
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
        "'u' overlaps 't': it begins at byte 2 of the data, but that one ends at 3")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "'t' is in the header twice")]
    [TestCase(
        "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "'t' has its dtype twice")]
    [TestCase(
        "{\"__metadata__\":[],\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "__metadata__ is not an object")]
    [TestCase("{\"__metadata__\":{\"k\":1}}", "'k' has a value that is not a string")]
    [TestCase("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", "'k' appears twice")]
    [TestCase("{\"\\uD800\":{}}", "not valid JSON")]
    public void A_header_that_breaks_the_specification_is_refused(string header, string says)
        => Assert.That(SafetensorsFile.Refusal(SafetensorsFile.Build(header, 4)), Does.Contain(says));

    [Test]
    public void A_header_nested_a_million_deep_is_refused()
    {
        var nested = "{\"t\":{\"x\":" + new string('[', 1_000_000) + new string(']', 1_000_000) + "}}";
        Assert.That(SafetensorsFile.Refusal(SafetensorsFile.Build(nested, 0)), Does.Contain("not valid JSON"));
        var axes = "{\"t\":{\"dtype\":\"U8\",\"shape\":[" + string.Join(',', Enumerable.Repeat(1, 33)) + "],\"data_offsets\":[0,1]}}";
        Assert.That(SafetensorsFile.Refusal(SafetensorsFile.Build(axes, 1)), Does.Contain("more than 32 entries"));
    }

    [Test]
    public void Names_in_messages_are_short_and_harmless()
    {
        var name = "\\u001b[31m" + new string('n', 5000);
        var message = SafetensorsFile.Refusal(SafetensorsFile.Build($"{{\"{name}\":1}}", 0));
        Assert.That(message, Does.Contain("'?[31mnnn").And.Not.Contain('\u001b'));
        Assert.That(message, Has.Length.LessThan(300));
    }

    [Test]
    public void Text_that_is_not_a_weights_file_is_refused()
    {
        Assert.That(
            SafetensorsFile.Refusal(Encoding.UTF8.GetBytes("PK\x03\x04 a zip file, such as a .pth")),
            Does.Contain("is not a safetensors file"));
        var broken = SafetensorsFile.Build("{\"t???\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0);
        broken[8 + 3] = 0xFF;
        Assert.That(SafetensorsFile.Refusal(broken), Does.Contain("not valid JSON"));
    }

    [Test]
    public void A_missing_tensor_or_a_wrong_shape_is_refused()
    {
        using var weights = Safetensors.Open(SafetensorsFile.Good(), "model.safetensors");
        Assert.That(weights.Contains("a.weight"));
        Assert.That(weights.Contains("A.weight"), Is.False);
        Assert.That(() => weights["A.weight"], Refused("model.safetensors: the tensor 'A.weight' is missing."));
        Assert.That(() => weights.Read("c"), Refused("model.safetensors: the tensor 'c' is missing."));
        Assert.That(
            () => weights.Read("a.weight", 3, 2),
            Refused("model.safetensors: the tensor 'a.weight' has the shape [2, 3] instead of [3, 2]."));
        Assert.That(
            () => weights.Read("a.weight"),
            Refused("model.safetensors: the tensor 'a.weight' has the shape [2, 3] instead of []."));
        Assert.That(() => weights["a.weight"].ReadTo(new float[5]), Throws.ArgumentException);
    }

    [TestCase(float.NaN, "NaN")]
    [TestCase(float.NegativeInfinity, "infinity")]
    public void A_value_that_is_not_finite_is_refused(float value, string says)
    {
        foreach (var at in (int[])[0, 7, 8, 63, 99])
        {
            var file = SafetensorsFile.Build("{\"w\":{\"dtype\":\"F32\",\"shape\":[100],\"data_offsets\":[0,400]}}", 400);
            BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(file.Length - 400 + 4 * at), value);
            using var weights = Safetensors.Open(file, "model.safetensors");
            Assert.That(
                () => weights.Read("w", 100),
                Refused($"model.safetensors: the tensor 'w' holds {says} at element {at} of 100."));
            Assert.That(weights["w"].ToArray()[at], Is.EqualTo(value), "unchecked reading passes it on");
        }
    }

    [Test]
    public void Any_mutation_gives_tensors_or_a_clear_error()
    {
        var good = SafetensorsFile.Good();
        var random = new Random(20240117);
        int refused = 0, most = 0;
        for (var i = 0; i < 5000; i++)
        {
            var file = Mutate(good, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var weights = Safetensors.Open(file, "model.safetensors");
                _ = ModelConfiguration.Of(weights);
                foreach (var tensor in weights.Tensors.Values)
                    weights.Read(tensor.Name, [.. tensor.Shape]);
            }
            catch (WeightsException e)
            {
                refused++;
                Assert.That(e.Message, Does.StartWith("model.safetensors: ").And.EndsWith("."), $"mutation {i}");
            }
            most = Math.Max(most, (int)(GC.GetAllocatedBytesForCurrentThread() - before));
        }
        TestContext.Out.WriteLine($"{refused} of 5000 refused, at most {most} bytes allocated");
        Assert.That(refused, Is.InRange(1000, 4999));
        Assert.That(most, Is.LessThan(1 << 20));
    }

    private static byte[] Mutate(byte[] good, Random random)
    {
        List<byte> file = [.. good];
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(file.Count), length = Math.Min(random.Next(1, 12), file.Count - at);
            switch (random.Next(7))
            {
                case 0:
                    file[at] = (byte)random.Next(256);
                    break;
                case 1:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    file.RemoveRange(at, length);
                    break;
                case 3:
                    file.InsertRange(at, file.GetRange(random.Next(file.Count - length + 1), length));
                    break;
                case 4:
                    file.RemoveRange(at, file.Count - at);
                    break;
                case 5:
                    file[random.Next(Math.Min(8, file.Count))] = (byte)random.Next(256);
                    break;
                default:
                    // Replaces a digit by a digit: the JSON stays valid, but its numbers don't.
                    var digit = file.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
                    if (digit >= 0)
                        file[digit] = (byte)('0' + random.Next(10));
                    break;
            }
            if (file.Count == 0)
                file.Add(0);
        }
        return [.. file];
    }

    private static NUnit.Framework.Constraints.EqualStringConstraint Refused(string message)
        => Throws.TypeOf<WeightsException>().With.Message.EqualTo(message);
}
