using System.Buffers.Binary;
using System.Text;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights;

/// <summary>Safetensors files built by hand, valid and invalid.</summary>
internal static class SafetensorsFile
{
    /// <summary>A file with this header and its true length, or a length that it only claims.</summary>
    public static byte[] Build(string header, int dataBytes, ulong? claimedLength = null)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + text.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedLength ?? (ulong)text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    /// <summary>A small valid file: matrices, a scalar, an empty tensor, three types, metadata.</summary>
    public static byte[] Good()
    {
        const string header =
            """
            {"__metadata__":{"fpn.config":"{\"min_size\": 64}","note":"größer"},
            "a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "a.steps":{"dtype":"I64","shape":[],"data_offsets":[24,32]},
            "empty":{"dtype":"F32","shape":[0,7],"data_offsets":[32,32]},
            "b.weight":{"dtype":"F16","shape":[5],"data_offsets":[32,42]}}
            """ + "  ";
        var file = Build(header, 42);
        var data = file.AsSpan(file.Length - 42);
        for (var i = 0; i < 6; i++)
            BinaryPrimitives.WriteSingleLittleEndian(data[(4 * i)..], i - 2.5f);
        BinaryPrimitives.WriteInt64LittleEndian(data[24..], 1234);
        for (var i = 0; i < 5; i++)
            BinaryPrimitives.WriteHalfLittleEndian(data[(32 + 2 * i)..], (Half)(i * 0.25f));
        return file;
    }

    /// <summary>Asserts that opening these bytes fails, and returns the message.</summary>
    public static string Refusal(byte[] file)
    {
        var refused =
            Assert.Throws<WeightsException>(() => Safetensors.Open(file, "model.safetensors").Dispose());
        var message = refused!.Message;
        Assert.That(message, Does.StartWith("model.safetensors: ").And.EndsWith("."));
        Assert.That(message, Does.Not.Contain('\n'));
        return message;
    }
}
