"""ONNX's Conv and ConvTranspose, as models of one node, on the engines that run them.

The text of a layer is one ``onnx.helper.make_node`` call, the same for all engines; each engine reads its
padding in its own way, and what it reads is predicted for each. Sources: the operators' text (opset 22:
https://onnx.ai/onnx/operators/onnx__ConvTranspose.html), and each engine's own code, named in its module.
"""
