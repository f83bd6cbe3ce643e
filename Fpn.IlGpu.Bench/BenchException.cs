namespace Fpn.IlGpu.Bench;

/// <summary>A measurement is not possible. The message is a sentence that says what is missing.</summary>
public sealed class BenchException(string message) : Exception(message);
