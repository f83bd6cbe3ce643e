namespace Fpn.IlGpu.Bench;

/// <summary>Something can't be measured; the message is a sentence that says what is missing.</summary>
public sealed class BenchException(string message) : Exception(message);
